// The contract between KvCloud and its clients.
//
// Wire: Apache Thrift, strict binary protocol, framed or unframed on the same port.
// Fields 1 to 99 are the contract of the existing RocksDB Thrift server and never change in id, name or type.
// Fields from 100 on are KvCloud's own: always optional, skipped by peers that do not know them.
// Field 110 of every request, traceparent, is the caller's trace context as in the W3C header of that name.
// docs/protocol.md tells the meaning of every call, limit and error.

namespace netstd KvCloud.Protocol
namespace py kvcloud
namespace js kvcloud
namespace cpp kvcloud

/**
 * Why a call was not answered as asked. The text forms (`error_code` fields) are these very names.
 * docs/errors.md says of each whether it may be retried and whether the outcome is known.
 */
enum ErrorCode {
  OK = 0,
  /** Must run on the leader, and this node is not; `leader_endpoint` names it. Nothing was done. */
  NOT_LEADER = 1,
  /** No leader is known at the moment. Nothing was done. */
  NO_LEADER = 2,
  /** A named limit of this node is full. Nothing was done. */
  OVERLOADED = 3,
  /** The write may or may not be applied, now or later. */
  OUTCOME_UNKNOWN = 4,
  /** The deadline passed before the call had any effect. */
  TIMEOUT = 5,
  /** An argument is wrong; `error` names it. */
  INVALID_ARGUMENT = 6,
  /** The call is known but not offered. */
  NOT_SUPPORTED = 7,
  /** Something the transaction read was written after its read version. Nothing was done. */
  CONFLICT = 8,
  /** The version lies below the retention window. */
  VERSION_TOO_OLD = 9,
  /** Nobody has issued that version yet. */
  VERSION_IN_FUTURE = 10,
  /** An operation of a transaction is malformed. Nothing was done. */
  INVALID_OPERATION = 11,
  COLUMN_FAMILY_NOT_FOUND = 12,
  COLUMN_FAMILY_EXISTS = 13,
  KEY_TOO_LARGE = 14,
  VALUE_TOO_LARGE = 15,
  TRANSACTION_TOO_LARGE = 16,
  TOO_MANY_OPERATIONS = 17,
  /** The session is unknown or its answer was forgotten: the write was not run now; whether it ran before is unknown. */
  SESSION_EXPIRED = 18,
  /** Nobody has logged in on the connection, the login has ended, or what was given is wrong; `auth_token` too. */
  UNAUTHENTICATED = 19,
  /** This replica has been out of touch for longer than `max_staleness_ms`, or is far behind: ask another. */
  TOO_STALE = 20,
  /** The node is draining before it stops. Nothing was done. */
  SHUTTING_DOWN = 21,
  /** The data store of this replica is damaged: it answers nothing until it is replaced; others may. Nothing was done. */
  CORRUPTION = 22,
  /** Injected by setFaultInjection. */
  NETWORK = 23,
  /** A defect of the server; its log has the rest. */
  INTERNAL = 24,
  /** The client_id and sequence were used before for a different request. */
  SEQUENCE_REUSED = 25,
  /** The leader's disk is short of space; deletes may still pass. Nothing was done. */
  NO_SPACE = 26,
  /** This node does not have that snapshot any more: open another. */
  SNAPSHOT_GONE = 27,
  /** The log of this node does not begin that early any more: open a snapshot. */
  LOG_TRIMMED = 28,
  /** The group's feature level is below what the call needs: not all members can follow yet. Nothing was done. */
  FEATURE_NOT_ACTIVE = 29,
  /** Who is logged in does not hold the right that `error` names. Nothing was done. */
  PERMISSION_DENIED = 30,
  /** There is no such user, role, token or grant. Nothing was done. */
  ACCESS_NOT_FOUND = 31,
  /** There is such a user, role or token already. Nothing was done. */
  ACCESS_EXISTS = 32,
  /** Nobody would be left who may administer the cluster. Nothing was done. */
  LAST_ADMIN = 33
}

/** How fresh a read must be. */
enum ReadConsistency {
  /** This replica's own store, if it has been in touch within max_staleness_ms. */
  LOCAL = 0,
  /** The leader's store, inside its lease. Linearizable. */
  LEADER = 1,
  /** Any replica, after it has caught up with what the leader had chosen when the read came. Linearizable. */
  READ_INDEX = 2
}

struct KeyValue {
  1: required binary key,
  2: required binary value,
  /** Commit version of the write that produced the value. */
  100: optional i64 version
}

struct GetRequest {
  1: required binary key,
  2: optional string column_family,
  100: optional ReadConsistency consistency,
  101: optional i32 max_staleness_ms,
  102: optional i32 timeout_ms,
  110: optional string traceparent
}
struct GetResponse {
  1: required binary value,
  2: required bool found,
  3: optional string error,
  100: optional ErrorCode code,
  101: optional string leader_endpoint,
  /** Commit version of the write that produced the value. */
  102: optional i64 version
}

struct SetRequest {
  1: required binary key,
  2: required binary value,
  3: optional string column_family,
  /** Session from openSession; with `sequence` it makes a retry run once. */
  100: optional i64 client_id,
  /** Number of the request in its session, from 1. */
  101: optional i64 sequence,
  /** The client has the answers of all its requests below this sequence: they may be forgotten. */
  102: optional i64 acknowledged_below,
  103: optional i32 timeout_ms,
  110: optional string traceparent
}
struct SetResponse {
  1: required bool success,
  2: optional string error,
  3: optional string error_code,
  100: optional ErrorCode code,
  101: optional string leader_endpoint,
  /** Commit version of this write. */
  102: optional i64 version
}

struct DeleteRequest {
  1: required binary key,
  2: optional string column_family,
  100: optional i64 client_id,
  101: optional i64 sequence,
  102: optional i64 acknowledged_below,
  103: optional i32 timeout_ms,
  110: optional string traceparent
}
struct DeleteResponse {
  1: required bool success,
  2: optional string error,
  3: optional string error_code,
  100: optional ErrorCode code,
  101: optional string leader_endpoint,
  102: optional i64 version
}

struct GetRangeRequest {
  1: optional binary begin_key,
  2: optional binary end_key,
  3: optional i32 begin_offset = 0,
  4: optional bool begin_or_equal = true,
  5: optional i32 end_offset = 0,
  6: optional bool end_or_equal = false,
  7: optional i32 limit = 1000,
  8: optional string column_family,
  100: optional ReadConsistency consistency,
  101: optional i32 max_staleness_ms,
  102: optional i32 timeout_ms,
  /** Stop after about this many bytes of keys and values; has_more tells. The server's own limit holds besides. */
  103: optional i32 limit_bytes,
  /** Absent or false: the absent end_key means the single byte FF. True: it means the end of the keyspace. */
  104: optional bool to_end_of_keyspace,
  110: optional string traceparent
}
struct GetRangeResponse {
  1: required list<KeyValue> key_values,
  2: required bool success,
  3: optional string error,
  4: required bool has_more = false,
  100: optional ErrorCode code,
  101: optional string leader_endpoint,
  /** Commit version of the moment that was read. */
  102: optional i64 version
}

struct SnapshotReadRequest {
  1: required binary key,
  2: required i64 read_version,
  3: optional string column_family,
  102: optional i32 timeout_ms,
  110: optional string traceparent
}
struct SnapshotReadResponse {
  1: required binary value,
  2: required bool found,
  3: optional string error,
  100: optional ErrorCode code,
  101: optional string leader_endpoint,
  102: optional i64 version
}

struct SnapshotGetRequest {
  1: required binary key,
  2: required i64 read_version,
  3: optional string column_family,
  102: optional i32 timeout_ms,
  110: optional string traceparent
}
struct SnapshotGetResponse {
  1: required binary value,
  2: required bool found,
  3: optional string error,
  100: optional ErrorCode code,
  101: optional string leader_endpoint,
  102: optional i64 version
}

struct SnapshotGetRangeRequest {
  1: optional binary begin_key,
  2: optional binary end_key,
  3: optional i32 begin_offset = 0,
  4: optional bool begin_or_equal = true,
  5: optional i32 end_offset = 0,
  6: optional bool end_or_equal = false,
  7: required i64 read_version,
  8: optional i32 limit = 1000,
  9: optional string column_family,
  102: optional i32 timeout_ms,
  103: optional i32 limit_bytes,
  104: optional bool to_end_of_keyspace,
  110: optional string traceparent
}
struct SnapshotGetRangeResponse {
  1: required list<KeyValue> key_values,
  2: required bool success,
  3: optional string error,
  4: required bool has_more = false,
  100: optional ErrorCode code,
  101: optional string leader_endpoint,
  102: optional i64 version
}

struct AddReadConflictRequest {
  1: required binary key,
  2: optional string column_family,
  110: optional string traceparent
}
struct AddReadConflictResponse {
  1: required bool success,
  2: optional string error,
  100: optional ErrorCode code
}

struct AddReadConflictRangeRequest {
  1: required binary start_key,
  2: required binary end_key,
  3: optional string column_family,
  110: optional string traceparent
}
struct AddReadConflictRangeResponse {
  1: required bool success,
  2: optional string error,
  100: optional ErrorCode code
}

struct SetReadVersionRequest {
  1: required i64 version,
  110: optional string traceparent
}
struct SetReadVersionResponse {
  1: required bool success,
  2: optional string error,
  100: optional ErrorCode code
}

struct GetCommittedVersionRequest {
  110: optional string traceparent
}
struct GetCommittedVersionResponse {
  1: required i64 version,
  2: required bool success,
  3: optional string error,
  100: optional ErrorCode code
}

struct SetVersionstampedKeyRequest {
  1: required binary key_prefix,
  2: required binary value,
  3: optional string column_family,
  100: optional i64 client_id,
  101: optional i64 sequence,
  102: optional i64 acknowledged_below,
  103: optional i32 timeout_ms,
  110: optional string traceparent
}
struct SetVersionstampedKeyResponse {
  1: required binary generated_key,
  2: required bool success,
  3: optional string error,
  100: optional ErrorCode code,
  101: optional string leader_endpoint,
  102: optional i64 version
}

struct SetVersionstampedValueRequest {
  1: required binary key,
  2: required binary value_prefix,
  3: optional string column_family,
  100: optional i64 client_id,
  101: optional i64 sequence,
  102: optional i64 acknowledged_below,
  103: optional i32 timeout_ms,
  110: optional string traceparent
}
struct SetVersionstampedValueResponse {
  1: required binary generated_value,
  2: required bool success,
  3: optional string error,
  100: optional ErrorCode code,
  101: optional string leader_endpoint,
  102: optional i64 version
}

struct FaultInjectionRequest {
  1: required string fault_type,
  2: optional double probability = 0.0,
  3: optional i32 duration_ms = 0,
  4: optional string target_operation,
  110: optional string traceparent
}
struct FaultInjectionResponse {
  1: required bool success,
  2: optional string error,
  100: optional ErrorCode code
}

struct Operation {
  /** set, delete, SET_VERSIONSTAMPED_KEY or SET_VERSIONSTAMPED_VALUE. */
  1: required string type,
  2: required binary key,
  3: optional binary value,
  4: optional string column_family
}

/** A key that the transaction read, with the column family it was read from. */
struct ReadConflictKey {
  1: required binary key,
  2: optional string column_family
}

/** A range that the transaction read: begin inclusive, end exclusive; an absent end is the end of the keyspace. */
struct ReadConflictRange {
  1: required binary begin_key,
  2: optional binary end_key,
  3: optional string column_family
}

struct AtomicCommitRequest {
  1: required i64 read_version,
  2: required list<Operation> operations,
  /** Keys of the `default` column family. */
  3: required list<binary> read_conflict_keys,
  4: optional i64 timeout_seconds = 60,
  100: optional i64 client_id,
  101: optional i64 sequence,
  102: optional i64 acknowledged_below,
  103: optional i32 timeout_ms,
  104: optional list<ReadConflictRange> read_conflict_ranges,
  105: optional list<ReadConflictKey> read_conflicts,
  110: optional string traceparent
}
struct AtomicCommitResponse {
  1: required bool success,
  2: optional string error,
  3: optional string error_code,
  4: optional i64 committed_version,
  100: optional ErrorCode code,
  101: optional string leader_endpoint,
  /** What each versionstamped operation generated, in the order of the operations. */
  103: optional list<binary> generated
}

struct GetReadVersionRequest {
  110: optional string traceparent
}
struct GetReadVersionResponse {
  1: required i64 read_version,
  2: required bool success,
  3: optional string error,
  100: optional ErrorCode code,
  101: optional string leader_endpoint
}

struct PingRequest {
  1: optional binary message,
  2: optional i64 timestamp,
  110: optional string traceparent
}
struct PingResponse {
  1: required binary message,
  2: required i64 timestamp,
  /** Microseconds since the Unix epoch. */
  3: required i64 server_timestamp
}

struct NodeStatus {
  1: required i32 node_id,
  2: required string endpoint,
  /** healthy, degraded, unreachable or unknown. */
  3: required string status,
  4: required bool is_leader,
  /** Milliseconds since the Unix epoch. */
  5: required i64 last_seen_timestamp,
  /** Round of the leader's ballot. */
  6: required i64 term,
  7: optional i64 uptime_seconds,
  /** leader, follower or candidate. */
  100: optional string role,
  101: optional i64 applied_slot,
  102: optional i64 chosen_slot,
  /** Slots known to be chosen that this replica has not applied. */
  103: optional i64 lag_slots,
  104: optional i64 applied_version,
  105: optional string peer_endpoint,
  /** HTTP endpoint (health, metrics), where known. */
  106: optional string http_endpoint,
  107: optional string version,
  /** voter, or learner: a member that has no vote. */
  108: optional string member_role,
  /** Why it is not healthy, for people; absent if it is. */
  115: optional string status_reason,
  /** The wire versions between replicas that the node speaks; absent while it is not connected. */
  120: optional i32 min_wire_version,
  121: optional i32 max_wire_version,
  /** The highest feature level that the node can follow; absent while it is not connected. */
  122: optional i32 supported_feature_level,
  /** The group's feature level as of what the node has applied; absent from a node of a former release. */
  123: optional i32 feature_level
}
struct ClusterHealth {
  1: required list<NodeStatus> nodes,
  2: required i32 healthy_nodes_count,
  3: required i32 total_nodes_count,
  4: optional NodeStatus leader,
  /** healthy, degraded or unhealthy. */
  5: required string cluster_status,
  6: required i64 current_term,
  100: optional string cluster_id,
  /** Id of the node that answers. */
  101: optional i32 answered_by,
  /** The group's feature level, as far as the node that answers has applied. */
  102: optional i32 feature_level
}
struct DatabaseStats {
  1: required i64 total_keys,
  2: required i64 total_size_bytes,
  3: required i64 write_operations_count,
  4: required i64 read_operations_count,
  5: required double average_response_time_ms,
  6: required i64 active_transactions,
  7: required i64 committed_transactions,
  8: required i64 aborted_transactions,
  9: optional i64 cache_hit_rate_percent,
  10: optional i64 compaction_pending_bytes,
  /** RocksDB's and the replica's own figures by name; only with include_detailed_stats. */
  100: optional map<string, i64> details,
  /** Oldest version that a snapshot read may ask for. */
  101: optional i64 oldest_readable_version,
  102: optional i64 applied_version
}
struct GetClusterHealthRequest {
  1: optional string auth_token,
  110: optional string traceparent
}
struct GetClusterHealthResponse {
  1: required bool success,
  2: optional ClusterHealth cluster_health,
  3: optional string error,
  100: optional ErrorCode code
}
struct GetDatabaseStatsRequest {
  1: optional string auth_token,
  2: optional bool include_detailed_stats = false,
  110: optional string traceparent
}
struct GetDatabaseStatsResponse {
  1: required bool success,
  2: optional DatabaseStats database_stats,
  3: optional string error,
  100: optional ErrorCode code
}
struct GetNodeInfoRequest {
  1: optional string auth_token,
  2: optional i32 node_id,
  110: optional string traceparent
}
struct GetNodeInfoResponse {
  1: required bool success,
  2: optional NodeStatus node_info,
  3: optional string error,
  100: optional ErrorCode code
}

struct OpenSessionRequest {
  100: optional i32 timeout_ms,
  110: optional string traceparent
}
struct OpenSessionResponse {
  1: required bool success,
  /** To be sent as client_id. Unique for the life of the cluster. */
  2: required i64 client_id,
  3: optional string error,
  100: optional ErrorCode code,
  101: optional string leader_endpoint
}

struct ColumnFamilyRequest {
  1: required string name,
  2: optional string auth_token,
  103: optional i32 timeout_ms,
  110: optional string traceparent
}
struct ColumnFamilyResponse {
  1: required bool success,
  2: optional string error,
  100: optional ErrorCode code,
  101: optional string leader_endpoint,
  102: optional i64 version
}
struct ListColumnFamiliesRequest {
  100: optional ReadConsistency consistency,
  110: optional string traceparent
}
struct ListColumnFamiliesResponse {
  1: required bool success,
  2: required list<string> names,
  3: optional string error,
  100: optional ErrorCode code,
  101: optional string leader_endpoint
}

enum MemberChangeKind {
  /** A new member, without a vote. */
  ADD = 1,
  /** A learner that has caught up gets a vote. */
  PROMOTE = 2,
  /** A voter becomes a learner. */
  DEMOTE = 3,
  /** A member leaves for good; its id never returns. */
  REMOVE = 4,
  /** A learner that has caught up takes the place of another member, in one change. */
  REPLACE = 5,
  /** A member is reached elsewhere. */
  UPDATE = 6,
  /** Another voter leads. */
  TRANSFER_LEADERSHIP = 7,
  /** The data of the node that is asked, and named, are made anew from another replica's. No change of the group. */
  REBUILD = 8
}
struct ChangeMembersRequest {
  1: required MemberChangeKind kind,
  /** Whom it is about. Of TRANSFER_LEADERSHIP who is to lead; left out, the leader chooses. */
  2: optional i32 node_id,
  /** REPLACE: whose place the node takes. */
  3: optional i32 replaced_node_id,
  /** ADD, UPDATE: host:port where replicas reach the node. */
  4: optional string peer_endpoint,
  /** ADD, UPDATE: host:port where clients reach the node; left out, the node itself tells. */
  5: optional string client_endpoint,
  /** Also where fewer voters are left than a group should have, or one of them does not answer. */
  6: optional bool force,
  7: optional string auth_token,
  100: optional i32 timeout_ms,
  110: optional string traceparent
}
struct ChangeMembersResponse {
  1: required bool success,
  2: optional string error,
  100: optional ErrorCode code,
  101: optional string leader_endpoint
}

/** A file of a snapshot. Names are plain: letters, digits, '.', '-' and '_'. */
struct SnapshotFile {
  1: required string name,
  2: required i64 size_bytes,
  /** XxHash128 of the content, 16 bytes, big-endian. */
  3: required binary hash
}
enum SnapshotState {
  /** The node makes a snapshot: ask again. */
  PREPARING = 1,
  READY = 2
}
struct OpenSnapshotRequest {
  /** Drawn at random by who reads, and the same in all its calls: the log that it has still to read is kept. */
  1: required i64 reader_id,
  /** Only a snapshot of a later slot will do; left out, one that the node has already will do too. */
  2: optional i64 above_slot,
  3: optional string auth_token,
  110: optional string traceparent
}
struct OpenSnapshotResponse {
  1: required bool success,
  2: optional SnapshotState state,
  3: optional string error,
  // All that follows is there when the snapshot is ready.
  4: optional i64 snapshot_id,
  5: optional string cluster_id,
  /** Id of the node that answers. */
  6: optional i32 node_id,
  /** The snapshot holds what the slots up to this one have done. Its log goes on at the next slot. */
  7: optional i64 slot,
  /** The last commit version in it. */
  8: optional i64 version,
  /** When the last write in it was proposed, by the clock of the leader; 0 if it holds none. */
  9: optional i64 unix_ms,
  10: optional list<SnapshotFile> files,
  100: optional ErrorCode code
}
struct ReadSnapshotRequest {
  1: required i64 reader_id,
  2: required i64 snapshot_id,
  /** Place of the file in the list. */
  3: required i32 file,
  4: required i64 offset,
  /** 1 MiB at most. */
  5: required i32 count,
  6: optional string auth_token,
  110: optional string traceparent
}
struct ReadSnapshotResponse {
  1: required bool success,
  /** Shorter than asked for only at the end of the file. */
  2: optional binary content,
  3: optional string error,
  100: optional ErrorCode code
}
struct ReadLogRequest {
  1: required i64 reader_id,
  /** The first slot wanted. */
  2: required i64 from_slot,
  /** About so many bytes at most, but one slot at least. Left out or above 4 MiB: 4 MiB. */
  3: optional i32 max_bytes,
  /** How long to wait for slots that are not applied yet; left out: not at all. 30,000 at most. */
  4: optional i32 wait_ms,
  5: optional string auth_token,
  110: optional string traceparent
}
struct ReadLogResponse {
  1: required bool success,
  /** A block of slots that are chosen and applied here, to be kept as it is; absent if there are none yet. */
  2: optional binary content,
  3: optional string error,
  /** First and last slot in the block; both are absent without one. */
  4: optional i64 first_slot,
  5: optional i64 last_slot,
  /** When the first and the last batch of writes in the block were proposed; absent if it has none. */
  6: optional i64 first_unix_ms,
  7: optional i64 last_unix_ms,
  /** No version in the block, or in any slot before it, is higher. */
  8: optional i64 applied_version,
  /** The last slot that is applied here. */
  9: optional i64 applied_slot,
  /** The first slot that the log of this node has; given with LOG_TRIMMED too. */
  10: optional i64 first_available_slot,
  11: optional string cluster_id,
  12: optional i32 node_id,
  100: optional ErrorCode code
}

/** Either `token`, or `user` and `password`. Holds for the calls of this connection that are sent after the answer. */
struct AuthenticateRequest {
  1: optional string user,
  2: optional string password,
  /** A token of a user, or a signed one (JWT) of the identity provider that the node is set for. */
  3: optional string token,
  110: optional string traceparent
}
struct AuthenticateResponse {
  1: required bool success,
  /** Who has logged in. */
  2: optional string user,
  3: optional string error,
  /** When the login ends, in milliseconds since the Unix epoch; absent if it does not end by itself. */
  4: optional i64 expires_unix_ms,
  100: optional ErrorCode code
}

enum AccessChangeKind {
  /** With `password` or without: who has neither password nor token comes by a certificate. */
  ADD_USER = 1,
  REMOVE_USER = 2,
  /** Everybody may change their own. */
  SET_PASSWORD = 3,
  /** Everybody may add and remove their own. */
  ADD_TOKEN = 4,
  REMOVE_TOKEN = 5,
  GRANT_TO_USER = 6,
  REVOKE_FROM_USER = 7,
  ADD_ROLE = 8,
  REMOVE_ROLE = 9,
  GRANT_TO_ROLE = 10,
  REVOKE_FROM_ROLE = 11,
  /** The user gets `role`. */
  ASSIGN_ROLE = 12,
  UNASSIGN_ROLE = 13
}
/** Rights within a column family and a key prefix. */
struct AccessGrant {
  /** Sum of 1 (read), 2 (write) and 4 (admin, which holds the other two). */
  1: required i32 rights,
  /** '*' for every one. */
  2: required string column_family,
  /** Empty for all keys. */
  3: required binary key_prefix
}
struct ChangeAccessRequest {
  1: required AccessChangeKind kind,
  /** Of the user or the role. */
  2: required string name,
  3: optional string password,
  /** At least 32 characters, drawn at random by who asks: only its SHA-256 is kept. */
  4: optional string token,
  /** Under which the token is listed and removed. */
  5: optional string token_name,
  6: optional i64 token_expires_unix_ms,
  7: optional string role,
  8: optional AccessGrant grant,
  9: optional string auth_token,
  100: optional i32 timeout_ms,
  110: optional string traceparent
}
struct ChangeAccessResponse {
  1: required bool success,
  2: optional string error,
  100: optional ErrorCode code,
  101: optional string leader_endpoint,
  102: optional i64 version
}
struct AccessToken {
  1: required string name,
  2: optional i64 expires_unix_ms
}
struct AccessUser {
  1: required string name,
  2: required bool has_password,
  3: required list<AccessToken> tokens,
  4: required list<string> roles,
  5: required list<AccessGrant> grants
}
struct AccessRole {
  1: required string name,
  2: required list<AccessGrant> grants
}
struct ListAccessRequest {
  1: optional string auth_token,
  100: optional ReadConsistency consistency,
  110: optional string traceparent
}
struct ListAccessResponse {
  1: required bool success,
  2: required list<AccessUser> users,
  3: optional string error,
  4: required list<AccessRole> roles,
  100: optional ErrorCode code,
  101: optional string leader_endpoint
}

service TransactionalKV {
  GetReadVersionResponse getReadVersion(1: GetReadVersionRequest request),
  SnapshotReadResponse snapshotRead(1: SnapshotReadRequest request),
  AtomicCommitResponse atomicCommit(1: AtomicCommitRequest request),
  GetResponse get(1: GetRequest request),
  SetResponse setKey(1: SetRequest request),
  DeleteResponse deleteKey(1: DeleteRequest request),
  GetRangeResponse getRange(1: GetRangeRequest request),
  SnapshotGetResponse snapshotGet(1: SnapshotGetRequest request),
  SnapshotGetRangeResponse snapshotGetRange(1: SnapshotGetRangeRequest request),
  AddReadConflictResponse addReadConflict(1: AddReadConflictRequest request),
  AddReadConflictRangeResponse addReadConflictRange(1: AddReadConflictRangeRequest request),
  SetReadVersionResponse setReadVersion(1: SetReadVersionRequest request),
  GetCommittedVersionResponse getCommittedVersion(1: GetCommittedVersionRequest request),
  SetVersionstampedKeyResponse setVersionstampedKey(1: SetVersionstampedKeyRequest request),
  SetVersionstampedValueResponse setVersionstampedValue(1: SetVersionstampedValueRequest request),
  FaultInjectionResponse setFaultInjection(1: FaultInjectionRequest request),
  PingResponse ping(1: PingRequest request),
  GetClusterHealthResponse getClusterHealth(1: GetClusterHealthRequest request),
  GetDatabaseStatsResponse getDatabaseStats(1: GetDatabaseStatsRequest request),
  GetNodeInfoResponse getNodeInfo(1: GetNodeInfoRequest request),

  // KvCloud's own calls.
  /** Opens a session for exactly-once writes. */
  OpenSessionResponse openSession(1: OpenSessionRequest request),
  ColumnFamilyResponse createColumnFamily(1: ColumnFamilyRequest request),
  ColumnFamilyResponse dropColumnFamily(1: ColumnFamilyRequest request),
  ListColumnFamiliesResponse listColumnFamilies(1: ListColumnFamiliesRequest request),
  /** Changes who the replicas are, or who of them leads. Done when no replica that left is needed any more. */
  ChangeMembersResponse changeMembers(1: ChangeMembersRequest request),
  /** A copy of this replica's whole database, for a backup. Any replica has one to offer. */
  OpenSnapshotResponse openSnapshot(1: OpenSnapshotRequest request),
  ReadSnapshotResponse readSnapshot(1: ReadSnapshotRequest request),
  /** What follows a snapshot, for a backup. */
  ReadLogResponse readLog(1: ReadLogRequest request),
  /** Logs in on this connection. */
  AuthenticateResponse authenticate(1: AuthenticateRequest request),
  /** Changes users and roles. */
  ChangeAccessResponse changeAccess(1: ChangeAccessRequest request),
  /** Users and roles, without any secret. */
  ListAccessResponse listAccess(1: ListAccessRequest request)
}
