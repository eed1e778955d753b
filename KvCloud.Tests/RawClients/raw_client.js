// Uses every method of the contract with nothing but Node.js's thrift and code generated from kvstore.thrift, many calls at a time on
// one connection.
//
// usage: node raw_client.js GENERATED_DIR framed|unframed HOST:PORT [HOST:PORT ...]     (NODE_PATH leads to thrift)
// Exits with an error on the first answer that is not as the contract says.
'use strict';

const assert = require('node:assert');
const crypto = require('node:crypto');
const path = require('node:path');
const thrift = require('thrift');

const [generated, framing, ...endpoints] = process.argv.slice(2);
const TransactionalKV = require(path.join(generated, 'TransactionalKV'));
const types = require(path.join(generated, 'kvstore_types'));

const CALLS = 1000;
const prefix = `js-${crypto.randomUUID()}/`;
const connections = [];

function connect(endpoint) {
  const at = endpoint.lastIndexOf(':');
  const connection = thrift.createConnection(endpoint.slice(0, at), Number(endpoint.slice(at + 1)), {
    transport: framing === 'framed' ? thrift.TFramedTransport : thrift.TBufferedTransport,
    protocol: thrift.TBinaryProtocol,
  });
  connection.on('error', error => {
    console.error(`FAILED: ${endpoint}: ${error}`);
    process.exit(1);
  });
  connections.push(connection);
  return thrift.createClient(TransactionalKV, connection);
}

function set(client, key, value) {
  return client.setKey(new types.SetRequest({ key: Buffer.from(key), value: Buffer.from(value) }));
}

async function findLeader() {
  for (const endpoint of endpoints) {
    const client = connect(endpoint);
    const answer = await set(client, `${prefix}who-leads`, '?');
    if (answer.success) {
      return client;
    }
    assert.strictEqual(answer.error_code, 'NOT_LEADER', answer.error);
    assert.ok(answer.error.startsWith('Not leader'), answer.error);
    if (answer.leader_endpoint) {
      return connect(answer.leader_endpoint);
    }
  }
  throw new Error('no endpoint knows a leader');
}

// All calls are sent before the first answer is looked at; the answers must come in the order of the calls.
async function pipelined(client) {
  const order = [];
  const calls = [];
  for (let i = 0; i < CALLS; i++) {
    const key = `${prefix}p${i}`;
    calls.push(set(client, key, `value ${i}`).then(answer => {
      assert.ok(answer.success, answer.error);
      order.push(2 * i);
    }));
    calls.push(client.get(new types.GetRequest({
      key: Buffer.from(key), consistency: types.ReadConsistency.LEADER,
    })).then(answer => {
      // The two run side by side, so the get may or may not see the set; an error it must not see.
      assert.strictEqual(answer.error, null, answer.error);
      order.push(2 * i + 1);
    }));
  }
  await Promise.all(calls);
  assert.deepStrictEqual(order, Array.from({ length: 2 * CALLS }, (_, i) => i), 'answers in request order');
  const reads = await Promise.all(Array.from({ length: CALLS }, (_, i) => client.get(new types.GetRequest({
    key: Buffer.from(`${prefix}p${i}`), consistency: types.ReadConsistency.LEADER,
  }))));
  reads.forEach((answer, i) => assert.strictEqual(answer.value.toString(), `value ${i}`));
}

async function transaction(client) {
  const version = await client.getReadVersion(new types.GetReadVersionRequest());
  assert.ok(version.success, version.error);
  const request = () => new types.AtomicCommitRequest({
    read_version: version.read_version,
    operations: [new types.Operation({ type: 'set', key: Buffer.from(`${prefix}t`), value: Buffer.from('1') })],
    read_conflict_keys: [Buffer.from(`${prefix}t`)],
  });
  const [first, second] = await Promise.all([client.atomicCommit(request()), client.atomicCommit(request())]);
  assert.ok(first.success, first.error);
  assert.strictEqual(second.success, false);
  assert.strictEqual(second.error_code, 'CONFLICT', second.error);
  const snapshot = await client.snapshotRead(new types.SnapshotReadRequest({
    key: Buffer.from(`${prefix}t`), read_version: version.read_version,
  }));
  assert.strictEqual(snapshot.found, false);
}

async function points(client) {
  const key = Buffer.from(`${prefix}point`);
  const binary = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  assert.ok((await client.setKey(new types.SetRequest({ key, value: binary }))).success);
  const found = await client.get(new types.GetRequest({ key, consistency: types.ReadConsistency.LEADER }));
  assert.ok(found.found && binary.equals(found.value), 'get gives back every byte');
  assert.ok((await client.deleteKey(new types.DeleteRequest({ key }))).success);
  const gone = await client.get(new types.GetRequest({ key, consistency: types.ReadConsistency.LEADER }));
  assert.strictEqual(gone.found, false);
  const empty = await client.setKey(new types.SetRequest({ key: Buffer.alloc(0), value: binary }));
  assert.strictEqual(empty.error, 'key cannot be empty');
}

async function ranges(client) {
  for (const name of ['rb', 'rc', 'rd']) {
    assert.ok((await set(client, prefix + name, name)).success);
  }
  const bounds = { begin_key: Buffer.from(`${prefix}rb`), end_key: Buffer.from(`${prefix}re`), limit: 2 };
  const now = await client.getRange(new types.GetRangeRequest({ ...bounds, consistency: types.ReadConsistency.LEADER }));
  assert.ok(now.success && now.has_more, now.error);
  assert.deepStrictEqual(now.key_values.map(row => row.value.toString()), ['rb', 'rc']);
  const { read_version } = await client.getReadVersion(new types.GetReadVersionRequest());
  await set(client, `${prefix}rb`, 'new');
  const then = await client.snapshotGetRange(new types.SnapshotGetRangeRequest({ ...bounds, read_version }));
  assert.ok(then.success && then.has_more, then.error);
  assert.deepStrictEqual(then.key_values.map(row => row.value.toString()), ['rb', 'rc']);
  const one = await client.snapshotGet(new types.SnapshotGetRequest({ key: bounds.begin_key, read_version }));
  assert.strictEqual(one.value.toString(), 'rb', one.error);
}

async function versionstamps(client) {
  const byKey = await client.setVersionstampedKey(new types.SetVersionstampedKeyRequest({
    key_prefix: Buffer.from(`${prefix}k0123456789`), value: Buffer.from('1'),
  }));
  assert.ok(byKey.success, byKey.error);
  const stamp = byKey.generated_key.subarray(-10);
  assert.strictEqual(stamp.readBigInt64BE(0), BigInt(Number(byKey.version)), 'the stamp is the version');
  const byValue = await client.setVersionstampedValue(new types.SetVersionstampedValueRequest({
    key: Buffer.from(`${prefix}v`), value_prefix: Buffer.from('v0123456789'),
  }));
  assert.ok(byValue.success, byValue.error);
  assert.ok(Buffer.compare(stamp, byValue.generated_value.subarray(-10)) < 0, 'later stamps are larger');
}

async function sessions(client) {
  const session = await client.openSession(new types.OpenSessionRequest());
  assert.ok(session.success, session.error);
  const request = () => new types.SetVersionstampedKeyRequest({
    key_prefix: Buffer.from(`${prefix}once/0123456789`),
    value: Buffer.from('1'),
    client_id: session.client_id,
    sequence: 1,
  });
  const answers = await Promise.all(Array.from({ length: 5 }, () => client.setVersionstampedKey(request())));
  const generated = new Set(answers.map(answer => answer.generated_key.toString('hex')));
  assert.strictEqual(generated.size, 1, 'five times sent, once done');
}

async function families(client) {
  const name = `js_${crypto.randomUUID().replaceAll('-', '')}`;
  const created = await client.createColumnFamily(new types.ColumnFamilyRequest({ name }));
  assert.ok(created.success, created.error);
  const listed = await client.listColumnFamilies(
    new types.ListColumnFamiliesRequest({ consistency: types.ReadConsistency.READ_INDEX }));
  assert.ok(listed.names.includes(name) && listed.names.includes('default'), listed.names.join());
  const inside = await client.setKey(new types.SetRequest({
    key: Buffer.from('a'), value: Buffer.from('1'), column_family: name,
  }));
  assert.ok(inside.success, inside.error);
  assert.ok((await client.dropColumnFamily(new types.ColumnFamilyRequest({ name }))).success);
  const dropped = await client.get(new types.GetRequest({
    key: Buffer.from('a'), column_family: name, consistency: types.ReadConsistency.LEADER,
  }));
  assert.strictEqual(dropped.error, `Column family '${name}' not found`);
}

async function clientSide(client) {
  const answers = await Promise.all([
    client.addReadConflict(new types.AddReadConflictRequest({ key: Buffer.from('a') })),
    client.addReadConflictRange(new types.AddReadConflictRangeRequest({
      start_key: Buffer.from('a'), end_key: Buffer.from('b'),
    })),
    client.setReadVersion(new types.SetReadVersionRequest({ version: 1 })),
    client.getCommittedVersion(new types.GetCommittedVersionRequest()),
  ]);
  for (const answer of answers) {
    assert.strictEqual(answer.success, false);
    assert.ok(answer.error.includes('client-side'), answer.error);
  }
}

async function node(client) {
  const pong = await client.ping(new types.PingRequest({ message: Buffer.from('hello'), timestamp: 42 }));
  assert.strictEqual(pong.message.toString(), 'hello');
  const health = await client.getClusterHealth(new types.GetClusterHealthRequest());
  assert.ok(health.success, health.error);
  assert.strictEqual(health.cluster_health.total_nodes_count, endpoints.length);
  const info = await client.getNodeInfo(new types.GetNodeInfoRequest());
  assert.ok(info.success && ['healthy', 'degraded'].includes(info.node_info.status), info.error);
  const stats = await client.getDatabaseStats(new types.GetDatabaseStatsRequest({ include_detailed_stats: true }));
  assert.ok(stats.success && Number(stats.database_stats.write_operations_count) > 0, stats.error);
  const fault = await client.setFaultInjection(
    new types.FaultInjectionRequest({ fault_type: 'TIMEOUT', probability: 0 }));
  assert.ok(fault.success || fault.error.includes('not allowed'), fault.error);
  const change = await client.changeMembers(
    new types.ChangeMembersRequest({ kind: types.MemberChangeKind.DEMOTE, node_id: 999 }));
  assert.ok(!change.success && change.error.length > 0, change.error);
  const snapshot = await client.openSnapshot(new types.OpenSnapshotRequest({ reader_id: 1 }));
  assert.ok(snapshot.success && snapshot.state > 0, snapshot.error);
  const piece = await client.readSnapshot(
    new types.ReadSnapshotRequest({ reader_id: 1, snapshot_id: 1, file: 0, offset: 0, count: 10 }));
  assert.strictEqual(piece.code, types.ErrorCode.SNAPSHOT_GONE);
  const log = await client.readLog(new types.ReadLogRequest({ reader_id: 1, from_slot: 1, max_bytes: 1000 }));
  assert.ok(log.code === types.ErrorCode.LOG_TRIMMED || (log.success && log.content.length > 0), log.error);
  const login = await client.authenticate(new types.AuthenticateRequest({ user: 'nobody', password: 'wrong' }));
  assert.strictEqual(login.code, types.ErrorCode.UNAUTHENTICATED);
  const access = await client.changeAccess(
    new types.ChangeAccessRequest({ kind: types.AccessChangeKind.REMOVE_USER, name: 'nobody' }));
  assert.ok([types.ErrorCode.ACCESS_NOT_FOUND, types.ErrorCode.FEATURE_NOT_ACTIVE].includes(access.code), access.error);
  const users = await client.listAccess(new types.ListAccessRequest());
  assert.ok(users.success && users.roles[0].name === 'admin', users.error);
}

async function followers(client) {
  assert.ok((await set(client, `${prefix}everywhere`, 'yes')).success);
  for (const endpoint of endpoints) {
    const answer = await connect(endpoint).get(new types.GetRequest({
      key: Buffer.from(`${prefix}everywhere`), consistency: types.ReadConsistency.READ_INDEX,
    }));
    assert.strictEqual(answer.value.toString(), 'yes', `a linearizable read on ${endpoint}: ${answer.error}`);
  }
}

async function main() {
  const leader = await findLeader();
  const groups = [
    points, ranges, pipelined, transaction, versionstamps, sessions, families, clientSide, node, followers,
  ];
  for (const group of groups) {
    await group(leader);
    console.log(`ok ${group.name}`);
  }
  connections.forEach(connection => connection.end());
}

main().catch(error => {
  console.error(`FAILED: ${error.stack}`);
  process.exit(1);
});
