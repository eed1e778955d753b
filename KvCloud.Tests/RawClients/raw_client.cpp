// Uses every method of the contract with nothing but Debian's libthrift and code generated from kvstore.thrift.
//
// usage: raw_client framed|unframed HOST:PORT [HOST:PORT ...]
// Exits with an error on the first answer that is not as the contract says.
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/transport/TBufferTransports.h>
#include <thrift/transport/TSocket.h>

#include "TransactionalKV.h"

using namespace apache::thrift;
using namespace kvcloud;

namespace {

bool is_framed;

void check(bool condition, const std::string& what) {
  if (!condition) {
    std::cerr << "FAILED: " << what << std::endl;
    std::exit(1);
  }
}

std::shared_ptr<TransactionalKVClient> connect(const std::string& endpoint) {
  const auto colon = endpoint.rfind(':');
  auto socket = std::make_shared<transport::TSocket>(
      endpoint.substr(0, colon), std::stoi(endpoint.substr(colon + 1)));
  socket->setRecvTimeout(30000);
  std::shared_ptr<transport::TTransport> buffered;
  if (is_framed) {
    buffered = std::make_shared<transport::TFramedTransport>(socket);
  } else {
    buffered = std::make_shared<transport::TBufferedTransport>(socket);
  }
  buffered->open();
  return std::make_shared<TransactionalKVClient>(std::make_shared<protocol::TBinaryProtocol>(buffered));
}

SetResponse set(TransactionalKVClient& client, const std::string& key, const std::string& value) {
  SetRequest request;
  request.__set_key(key);
  request.__set_value(value);
  SetResponse response;
  client.setKey(response, request);
  return response;
}

GetResponse get(TransactionalKVClient& client, const std::string& key, ReadConsistency::type level) {
  GetRequest request;
  request.__set_key(key);
  request.__set_consistency(level);
  GetResponse response;
  client.get(response, request);
  return response;
}

std::shared_ptr<TransactionalKVClient> find_leader(const std::vector<std::string>& endpoints, const std::string& prefix) {
  for (const auto& endpoint : endpoints) {
    auto client = connect(endpoint);
    const auto answer = set(*client, prefix + "who-leads", "?");
    if (answer.success) {
      return client;
    }
    check(answer.error_code == "NOT_LEADER" && answer.error.rfind("Not leader", 0) == 0, answer.error);
    if (answer.__isset.leader_endpoint) {
      return connect(answer.leader_endpoint);
    }
  }
  check(false, "no endpoint knows a leader");
  return nullptr;
}

void points(TransactionalKVClient& client, const std::string& prefix) {
  const std::string binary("\0\xff\x80 bytes", 9);
  check(set(client, prefix + "a", binary).success, "setKey");
  const auto found = get(client, prefix + "a", ReadConsistency::LEADER);
  check(found.found && found.value == binary, "get gives back every byte");
  DeleteRequest request;
  request.__set_key(prefix + "a");
  DeleteResponse deleted;
  client.deleteKey(deleted, request);
  check(deleted.success, "deleteKey");
  check(!get(client, prefix + "a", ReadConsistency::LEADER).found, "a deleted key");
  check(set(client, "", "x").error == "key cannot be empty", "an empty key");
}

void transactions(TransactionalKVClient& client, const std::string& prefix) {
  GetReadVersionResponse version;
  client.getReadVersion(version, GetReadVersionRequest());
  check(version.success, "getReadVersion");
  Operation operation;
  operation.__set_type("set");
  operation.__set_key(prefix + "t");
  operation.__set_value("1");
  AtomicCommitRequest request;
  request.__set_read_version(version.read_version);
  request.__set_operations({operation});
  request.__set_read_conflict_keys({prefix + "t"});
  AtomicCommitResponse first;
  client.atomicCommit(first, request);
  check(first.success && first.committed_version > version.read_version, "atomicCommit: " + first.error);
  AtomicCommitResponse second;
  client.atomicCommit(second, request);
  check(!second.success && second.error_code == "CONFLICT", "a conflict: " + second.error);
  SnapshotReadRequest read;
  read.__set_key(prefix + "t");
  read.__set_read_version(version.read_version);
  SnapshotReadResponse snapshot;
  client.snapshotRead(snapshot, read);
  check(!snapshot.found && !snapshot.__isset.error, "snapshotRead: " + snapshot.error);
}

void ranges(TransactionalKVClient& client, const std::string& prefix) {
  for (const char* name : {"r1", "r2", "r3"}) {
    check(set(client, prefix + name, name).success, "setKey");
  }
  GetRangeRequest request;
  request.__set_begin_key(prefix + "r");
  request.__set_end_key(prefix + "s");
  request.__set_limit(2);
  request.__set_consistency(ReadConsistency::LEADER);
  GetRangeResponse response;
  client.getRange(response, request);
  check(response.success && response.has_more && response.key_values.size() == 2, "getRange: " + response.error);
  check(response.key_values[1].key == prefix + "r2", "rows in order");
}

void snapshots(TransactionalKVClient& client, const std::string& prefix) {
  check(set(client, prefix + "s", "old").success, "setKey");
  GetReadVersionResponse version;
  client.getReadVersion(version, GetReadVersionRequest());
  check(set(client, prefix + "s", "new").success, "setKey");
  SnapshotGetRequest one;
  one.__set_key(prefix + "s");
  one.__set_read_version(version.read_version);
  SnapshotGetResponse value;
  client.snapshotGet(value, one);
  check(value.found && value.value == "old", "snapshotGet: " + value.error);
  SnapshotGetRangeRequest range;
  range.__set_begin_key(prefix + "s");
  range.__set_end_key(prefix + "s");
  range.__set_end_or_equal(true);
  range.__set_read_version(version.read_version);
  SnapshotGetRangeResponse rows;
  client.snapshotGetRange(rows, range);
  check(rows.success && rows.key_values.size() == 1 && rows.key_values[0].value == "old",
        "snapshotGetRange: " + rows.error);
}

void sessions(TransactionalKVClient& client, const std::string& prefix) {
  OpenSessionResponse session;
  client.openSession(session, OpenSessionRequest());
  check(session.success && session.client_id > 0, "openSession: " + session.error);
  SetVersionstampedKeyRequest request;
  request.__set_key_prefix(prefix + "once/0123456789");
  request.__set_value("1");
  request.__set_client_id(session.client_id);
  request.__set_sequence(1);
  std::string generated;
  for (int i = 0; i < 5; i++) {
    SetVersionstampedKeyResponse response;
    client.setVersionstampedKey(response, request);
    check(response.success, "setVersionstampedKey: " + response.error);
    check(i == 0 || response.generated_key == generated, "five times sent, once done");
    generated = response.generated_key;
  }
  SetVersionstampedValueRequest by_value;
  by_value.__set_key(prefix + "v");
  by_value.__set_value_prefix("v0123456789");
  SetVersionstampedValueResponse stamped;
  client.setVersionstampedValue(stamped, by_value);
  check(stamped.success && stamped.generated_value.size() == 11, "setVersionstampedValue: " + stamped.error);
  check(generated.substr(generated.size() - 10) < stamped.generated_value.substr(1), "later stamps are larger");
}

void families(TransactionalKVClient& client, const std::string& prefix) {
  ColumnFamilyRequest request;
  request.__set_name("cpp_" + std::to_string(::getpid()) + (is_framed ? "f" : "u"));
  ColumnFamilyResponse created;
  client.createColumnFamily(created, request);
  check(created.success, "createColumnFamily: " + created.error);
  ListColumnFamiliesRequest list;
  list.__set_consistency(ReadConsistency::READ_INDEX);
  ListColumnFamiliesResponse listed;
  client.listColumnFamilies(listed, list);
  bool is_listed = false;
  for (const auto& name : listed.names) {
    is_listed = is_listed || name == request.name;
  }
  check(is_listed, "listColumnFamilies: " + listed.error);
  SetRequest inside;
  inside.__set_key(prefix);
  inside.__set_value("1");
  inside.__set_column_family(request.name);
  SetResponse written;
  client.setKey(written, inside);
  check(written.success, "a set in a family: " + written.error);
  ColumnFamilyResponse dropped;
  client.dropColumnFamily(dropped, request);
  check(dropped.success, "dropColumnFamily: " + dropped.error);
}

template <typename Response>
void check_client_side(const Response& response) {
  check(!response.success && response.error.find("client-side") != std::string::npos, "a client-side call");
}

void client_side(TransactionalKVClient& client) {
  AddReadConflictRequest conflict;
  conflict.__set_key("a");
  AddReadConflictResponse on_key;
  client.addReadConflict(on_key, conflict);
  check_client_side(on_key);
  AddReadConflictRangeRequest range;
  range.__set_start_key("a");
  range.__set_end_key("b");
  AddReadConflictRangeResponse on_range;
  client.addReadConflictRange(on_range, range);
  check_client_side(on_range);
  SetReadVersionRequest version;
  version.__set_version(1);
  SetReadVersionResponse set_version;
  client.setReadVersion(set_version, version);
  check_client_side(set_version);
  GetCommittedVersionResponse committed;
  client.getCommittedVersion(committed, GetCommittedVersionRequest());
  check_client_side(committed);
}

void node(TransactionalKVClient& client, std::size_t nodes) {
  PingRequest ping;
  ping.__set_message("hello");
  ping.__set_timestamp(42);
  PingResponse pong;
  client.ping(pong, ping);
  check(pong.message == "hello" && pong.timestamp == 42 && pong.server_timestamp > 1000000000000000, "ping");
  GetClusterHealthResponse health;
  client.getClusterHealth(health, GetClusterHealthRequest());
  check(health.success && health.cluster_health.total_nodes_count == static_cast<int>(nodes),
        "getClusterHealth: " + health.error);
  GetNodeInfoResponse info;
  client.getNodeInfo(info, GetNodeInfoRequest());
  check(info.success && !info.node_info.status.empty(), "getNodeInfo: " + info.error);
  GetDatabaseStatsRequest detailed;
  detailed.__set_include_detailed_stats(true);
  GetDatabaseStatsResponse stats;
  client.getDatabaseStats(stats, detailed);
  check(stats.success && stats.database_stats.write_operations_count > 0, "getDatabaseStats: " + stats.error);
  FaultInjectionRequest fault;
  fault.__set_fault_type("TIMEOUT");
  fault.__set_probability(0);
  FaultInjectionResponse answer;
  client.setFaultInjection(answer, fault);
  check(answer.success || answer.error.find("not allowed") != std::string::npos, "setFaultInjection: " + answer.error);
  ChangeMembersRequest change;
  change.kind = MemberChangeKind::DEMOTE;
  change.__set_node_id(999);
  ChangeMembersResponse changed;
  client.changeMembers(changed, change);
  check(!changed.success && !changed.error.empty(), "changeMembers: " + changed.error);
  OpenSnapshotRequest open;
  open.reader_id = 1;
  OpenSnapshotResponse opened;
  client.openSnapshot(opened, open);
  check(opened.success && opened.__isset.state, "openSnapshot: " + opened.error);
  ReadSnapshotRequest piece;
  piece.reader_id = 1;
  piece.snapshot_id = 1;
  piece.file = 0;
  piece.offset = 0;
  piece.count = 10;
  ReadSnapshotResponse read;
  client.readSnapshot(read, piece);
  check(read.code == ErrorCode::SNAPSHOT_GONE, "readSnapshot: " + read.error);
  ReadLogRequest from;
  from.reader_id = 1;
  from.from_slot = 1;
  ReadLogResponse log;
  client.readLog(log, from);
  check(log.code == ErrorCode::LOG_TRIMMED || (log.success && !log.content.empty()), "readLog: " + log.error);
  AuthenticateRequest credentials;
  credentials.__set_user("nobody");
  credentials.__set_password("wrong");
  AuthenticateResponse login;
  client.authenticate(login, credentials);
  check(login.code == ErrorCode::UNAUTHENTICATED, "authenticate: " + login.error);
  ChangeAccessRequest removal;
  removal.kind = AccessChangeKind::REMOVE_USER;
  removal.name = "nobody";
  ChangeAccessResponse removed;
  client.changeAccess(removed, removal);
  check(removed.code == ErrorCode::ACCESS_NOT_FOUND || removed.code == ErrorCode::FEATURE_NOT_ACTIVE,
        "changeAccess: " + removed.error);
  ListAccessResponse users;
  client.listAccess(users, ListAccessRequest());
  check(users.success && users.roles.at(0).name == "admin", "listAccess: " + users.error);
}

void followers(const std::vector<std::string>& endpoints, const std::string& prefix) {
  for (const auto& endpoint : endpoints) {
    const auto answer = get(*connect(endpoint), prefix + "r1", ReadConsistency::READ_INDEX);
    check(answer.value == "r1", "a linearizable read on " + endpoint + ": " + answer.error);
  }
}

}  // namespace

int main(int argc, char** argv) {
  check(argc >= 3, "usage: raw_client framed|unframed HOST:PORT [HOST:PORT ...]");
  is_framed = std::string(argv[1]) == "framed";
  const std::vector<std::string> endpoints(argv + 2, argv + argc);
  const std::string prefix = "cpp-" + std::to_string(::getpid()) + (is_framed ? "f/" : "u/");
  try {
    auto leader = find_leader(endpoints, prefix);
    points(*leader, prefix);
    ranges(*leader, prefix);
    transactions(*leader, prefix);
    snapshots(*leader, prefix);
    sessions(*leader, prefix);
    families(*leader, prefix);
    client_side(*leader);
    node(*leader, endpoints.size());
    followers(endpoints, prefix);
  } catch (const TException& exception) {
    check(false, exception.what());
  }
  std::cout << "ok" << std::endl;
  return 0;
}
