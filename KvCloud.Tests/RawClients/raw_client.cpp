// Uses the contract with nothing but Debian's libthrift and code generated from kvstore.thrift.
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
    followers(endpoints, prefix);
  } catch (const TException& exception) {
    check(false, exception.what());
  }
  std::cout << "ok" << std::endl;
  return 0;
}
