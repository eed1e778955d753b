"""Uses every method of the contract with nothing but Python's thrift and code generated from kvstore.thrift.

usage: raw_client.py GENERATED_DIR framed|unframed HOST:PORT [HOST:PORT ...]
Prints one line per group of checks, and exits with an error on the first answer that is not as the contract says.
"""

import struct
import sys
import uuid

sys.path.insert(0, sys.argv[1])

from thrift.protocol import TBinaryProtocol  # noqa: E402
from thrift.transport import TSocket, TTransport  # noqa: E402

from kvcloud import TransactionalKV  # noqa: E402
from kvcloud.ttypes import *  # noqa: E402,F403

IS_FRAMED = sys.argv[2] == "framed"
ENDPOINTS = sys.argv[3:]
PREFIX = ("py-" + uuid.uuid4().hex + "/").encode()


def connect(endpoint):
    host, port = endpoint.rsplit(":", 1)
    socket = TSocket.TSocket(host, int(port))
    socket.setTimeout(30000)
    transport = TTransport.TFramedTransport(socket) if IS_FRAMED else TTransport.TBufferedTransport(socket)
    client = TransactionalKV.Client(TBinaryProtocol.TBinaryProtocol(transport))
    transport.open()
    return client


def check(condition, what, answer=None):
    if not condition:
        raise SystemExit(f"FAILED: {what}: {answer}")


def key(name):
    return PREFIX + name.encode()


def find_leader():
    for endpoint in ENDPOINTS:
        client = connect(endpoint)
        answer = client.setKey(SetRequest(key=key("who-leads"), value=b"?"))
        if answer.success:
            return client
        check(answer.error_code == "NOT_LEADER" and answer.error.startswith("Not leader"), "a follower says so", answer)
        if answer.leader_endpoint:
            return connect(answer.leader_endpoint)
    raise SystemExit("FAILED: no endpoint knows a leader")


def points(kv):
    missing = kv.get(GetRequest(key=key("a")))
    check(not missing.found and missing.value == b"" and missing.error is None, "a missing key", missing)
    binary = bytes(range(256))
    check(kv.setKey(SetRequest(key=key("a"), value=binary)).success, "setKey")
    found = kv.get(GetRequest(key=key("a"), consistency=ReadConsistency.LEADER))
    check(found.found and found.value == binary, "get gives back every byte", found)
    check(kv.deleteKey(DeleteRequest(key=key("a"))).success, "deleteKey")
    gone = kv.get(GetRequest(key=key("a"), consistency=ReadConsistency.LEADER))
    check(not gone.found, "a deleted key", gone)
    empty = kv.setKey(SetRequest(key=b"", value=b"x"))
    check(not empty.success and empty.error == "key cannot be empty", "an empty key", empty)
    family = kv.get(GetRequest(key=b"a", column_family="no-such-family"))
    check(family.error == "Column family 'no-such-family' not found", "an unknown column family", family)


def ranges(kv):
    for name in "bcde":
        kv.setKey(SetRequest(key=key("r" + name), value=name.encode()))
    request = GetRangeRequest(
        begin_key=key("rb"), end_key=key("re"), limit=2, consistency=ReadConsistency.LEADER)
    answer = kv.getRange(request)
    check(answer.success and answer.has_more, "a range beyond its limit", answer)
    check([row.key for row in answer.key_values] == [key("rb"), key("rc")], "its rows in order", answer)


def transactions(kv):
    kv.setKey(SetRequest(key=key("t"), value=b"old"))
    version = kv.getReadVersion(GetReadVersionRequest())
    check(version.success, "getReadVersion", version)
    at = version.read_version
    commit = kv.atomicCommit(AtomicCommitRequest(
        read_version=at,
        operations=[
            Operation(type="set", key=key("t"), value=b"new"),
            Operation(type="delete", key=key("nothing")),
            Operation(type="SET_VERSIONSTAMPED_KEY", key=key("s0123456789"), value=b"stamped"),
        ],
        read_conflict_keys=[key("t")]))
    check(commit.success and commit.committed_version > at, "atomicCommit", commit)
    stamped = commit.generated[0]
    check(struct.unpack(">q", stamped[-10:-2])[0] == commit.committed_version, "the versionstamp", stamped)
    conflict = kv.atomicCommit(AtomicCommitRequest(
        read_version=at, operations=[Operation(type="set", key=key("u"), value=b"1")], read_conflict_keys=[key("t")]))
    check(not conflict.success and conflict.error_code == "CONFLICT", "a conflict", conflict)
    unknown = kv.atomicCommit(AtomicCommitRequest(
        read_version=at, operations=[Operation(type="swap", key=b"x")], read_conflict_keys=[]))
    check(unknown.error_code == "INVALID_OPERATION", "an unknown operation", unknown)
    check(kv.snapshotRead(SnapshotReadRequest(key=key("t"), read_version=at)).value == b"old", "snapshotRead")
    check(kv.snapshotGet(SnapshotGetRequest(key=key("t"), read_version=at)).value == b"old", "snapshotGet")
    rows = kv.snapshotGetRange(SnapshotGetRangeRequest(
        begin_key=key("t"), end_key=key("t"), end_or_equal=True, read_version=at))
    check(rows.success and [row.value for row in rows.key_values] == [b"old"], "snapshotGetRange", rows)
    by_key = kv.setVersionstampedKey(SetVersionstampedKeyRequest(key_prefix=key("k0123456789"), value=b"1"))
    check(by_key.success and by_key.generated_key.startswith(key("k")), "setVersionstampedKey", by_key)
    by_value = kv.setVersionstampedValue(
        SetVersionstampedValueRequest(key=key("v"), value_prefix=b"v0123456789"))
    check(by_value.success and len(by_value.generated_value) == 11, "setVersionstampedValue", by_value)


def sessions(kv):
    session = kv.openSession(OpenSessionRequest())
    check(session.success and session.client_id > 0, "openSession", session)
    request = SetVersionstampedKeyRequest(
        key_prefix=key("once/0123456789"), value=b"1", client_id=session.client_id, sequence=1)
    answers = [kv.setVersionstampedKey(request) for _ in range(5)]
    check(len({answer.generated_key for answer in answers}) == 1, "five times sent, once done", answers)
    name = "py_" + uuid.uuid4().hex
    check(kv.createColumnFamily(ColumnFamilyRequest(name=name)).success, "createColumnFamily")
    names = kv.listColumnFamilies(ListColumnFamiliesRequest(consistency=ReadConsistency.READ_INDEX)).names
    check(name in names and "default" in names, "listColumnFamilies", names)
    check(kv.setKey(SetRequest(key=b"a", value=b"in family", column_family=name)).success, "a set in a family")
    check(kv.dropColumnFamily(ColumnFamilyRequest(name=name)).success, "dropColumnFamily")


def client_side(kv):
    answers = [
        kv.addReadConflict(AddReadConflictRequest(key=b"a")),
        kv.addReadConflictRange(AddReadConflictRangeRequest(start_key=b"a", end_key=b"b")),
        kv.setReadVersion(SetReadVersionRequest(version=1)),
        kv.getCommittedVersion(GetCommittedVersionRequest()),
    ]
    check(all(not answer.success and "client-side" in answer.error for answer in answers), "client-side calls", answers)


def node(kv):
    pong = kv.ping(PingRequest(message=b"hello", timestamp=42))
    check((pong.message, pong.timestamp) == (b"hello", 42) and pong.server_timestamp > 10**15, "ping", pong)
    health = kv.getClusterHealth(GetClusterHealthRequest())
    check(health.success and health.cluster_health.total_nodes_count == len(ENDPOINTS), "getClusterHealth", health)
    info = kv.getNodeInfo(GetNodeInfoRequest())
    check(info.success and info.node_info.status in ("healthy", "degraded"), "getNodeInfo", info)
    stats = kv.getDatabaseStats(GetDatabaseStatsRequest(include_detailed_stats=True))
    check(stats.success and stats.database_stats.write_operations_count > 0, "getDatabaseStats", stats)
    fault = kv.setFaultInjection(FaultInjectionRequest(fault_type="TIMEOUT", probability=0.0))
    check(fault.success or "not allowed" in fault.error, "setFaultInjection", fault)
    change = kv.changeMembers(ChangeMembersRequest(kind=MemberChangeKind.DEMOTE, node_id=999))
    check(not change.success and change.error, "changeMembers", change)
    snapshot = kv.openSnapshot(OpenSnapshotRequest(reader_id=1))
    check(snapshot.success and snapshot.state in (SnapshotState.PREPARING, SnapshotState.READY), "openSnapshot", snapshot)
    piece = kv.readSnapshot(ReadSnapshotRequest(reader_id=1, snapshot_id=1, file=0, offset=0, count=10))
    check(piece.code == ErrorCode.SNAPSHOT_GONE, "readSnapshot", piece)
    log = kv.readLog(ReadLogRequest(reader_id=1, from_slot=1, max_bytes=1000))
    check(log.code == ErrorCode.LOG_TRIMMED or (log.success and log.content), "readLog", log)
    login = kv.authenticate(AuthenticateRequest(user="nobody", password="wrong"))
    check(login.code == ErrorCode.UNAUTHENTICATED, "authenticate", login)
    access = kv.changeAccess(ChangeAccessRequest(kind=AccessChangeKind.REMOVE_USER, name="nobody"))
    check(access.code in (ErrorCode.ACCESS_NOT_FOUND, ErrorCode.FEATURE_NOT_ACTIVE), "changeAccess", access)
    users = kv.listAccess(ListAccessRequest())
    check(users.success and [role.name for role in users.roles] == ["admin"], "listAccess", users)


def followers(kv):
    written = kv.setKey(SetRequest(key=key("everywhere"), value=b"yes"))
    check(written.success, "setKey", written)
    for endpoint in ENDPOINTS:
        answer = connect(endpoint).get(
            GetRequest(key=key("everywhere"), consistency=ReadConsistency.READ_INDEX))
        check(answer.value == b"yes", f"a linearizable read on {endpoint}", answer)


leader = find_leader()
for group in (points, ranges, transactions, sessions, client_side, node, followers):
    group(leader)
    print(f"ok {group.__name__}")
