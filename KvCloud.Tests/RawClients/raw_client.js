// Uses the contract with nothing but Node.js's thrift and code generated from kvstore.thrift, many calls at a time on
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

async function node(client) {
  const pong = await client.ping(new types.PingRequest({ message: Buffer.from('hello'), timestamp: 42 }));
  assert.strictEqual(pong.message.toString(), 'hello');
  const health = await client.getClusterHealth(new types.GetClusterHealthRequest());
  assert.ok(health.success, health.error);
  assert.strictEqual(health.cluster_health.total_nodes_count, endpoints.length);
}

async function main() {
  const leader = await findLeader();
  for (const group of [pipelined, transaction, node]) {
    await group(leader);
    console.log(`ok ${group.name}`);
  }
  connections.forEach(connection => connection.end());
}

main().catch(error => {
  console.error(`FAILED: ${error.stack}`);
  process.exit(1);
});
