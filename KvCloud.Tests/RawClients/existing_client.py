"""A client from before there were logins, against a cluster that asks who calls: it hears why it is refused, in the fields
that it knows. Then the same with one call more.

usage: existing_client.py GENERATED_DIR HOST:PORT USER PASSWORD
"""

import sys

sys.path.insert(0, sys.argv[1])

from thrift.protocol import TBinaryProtocol  # noqa: E402
from thrift.transport import TSocket, TTransport  # noqa: E402

from kvcloud import TransactionalKV  # noqa: E402
from kvcloud.ttypes import *  # noqa: E402,F403

host, port = sys.argv[2].rsplit(":", 1)
socket = TSocket.TSocket(host, int(port))
socket.setTimeout(30000)
transport = TTransport.TBufferedTransport(socket)
kv = TransactionalKV.Client(TBinaryProtocol.TBinaryProtocol(transport))
transport.open()


def check(condition, what, answer):
    if not condition:
        raise SystemExit(f"FAILED: {what}: {answer}")


got = kv.get(GetRequest(key=b"a/1"))
check(not got.found and got.value == b"" and "call authenticate" in got.error, "get", got)
done = kv.setKey(SetRequest(key=b"a/1", value=b"1"))
check(not done.success and done.error_code == "UNAUTHENTICATED", "setKey", done)
rows = kv.getRange(GetRangeRequest(begin_key=b"a/", end_key=b"a0"))
check(not rows.success and rows.key_values == [] and rows.error, "getRange", rows)
health = kv.getClusterHealth(GetClusterHealthRequest(auth_token="wrong"))
check(not health.success and health.code == ErrorCode.UNAUTHENTICATED, "getClusterHealth", health)
check(kv.ping(PingRequest(message=b"hello")).message == b"hello", "ping", None)

login = kv.authenticate(AuthenticateRequest(user=sys.argv[3], password=sys.argv[4]))
check(login.success and login.user == sys.argv[3], "authenticate", login)
done = kv.setKey(SetRequest(key=b"a/1", value=b"1"))
check(done.success or done.error_code == "NOT_LEADER", "setKey", done)
got = kv.get(GetRequest(key=b"a/1"))
check(got.error is None, "get", got)
done = kv.setKey(SetRequest(key=b"b/1", value=b"1"))
check(done.error_code == "PERMISSION_DENIED" and "right to write" in done.error, "setKey", done)
print("refused without a login, let in with one")
