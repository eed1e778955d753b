using KvCloud.Node.Operations;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>openSession, createColumnFamily and dropColumnFamily: writes to what surrounds the data.</summary>
internal static class SessionMethods
{
    public static IEnumerable<RpcMethod> All(KvBackend backend) =>
    [
        new OpenSession(backend),
        new ChangeColumnFamily("createColumnFamily", backend, name => new CreateColumnFamilyCommand(name)),
        new ChangeColumnFamily("dropColumnFamily", backend, name => new DropColumnFamilyCommand(name)),
    ];

    private sealed class OpenSession(KvBackend backend)
        : ThriftWriteMethod<OpenSessionRequest, OpenSessionResponse>("openSession", backend)
    {
        protected override long? TimeoutMsOf(OpenSessionRequest request) =>
            request.__isset.timeout_ms ? request.TimeoutMs : null;

        protected override bool TryBuild(OpenSessionRequest request, out KvCommand command, out Refusal refusal)
        {
            refusal = default;
            command = new OpenSessionCommand();
            return true;
        }

        protected override OpenSessionResponse Answer(in CommandResult result) => new(true, result.Version.Value);

        protected override OpenSessionResponse Refuse(in Refusal refusal)
        {
            var response = new OpenSessionResponse(false, 0) { Error = refusal.Message, Code = refusal.Code };
            if (refusal.LeaderEndpoint is { } leader)
            {
                response.LeaderEndpoint = leader;
            }

            return response;
        }
    }

    private sealed class ChangeColumnFamily(string name, KvBackend backend, Func<string, KvCommand> commandFor)
        : ThriftWriteMethod<ColumnFamilyRequest, ColumnFamilyResponse>(name, backend)
    {
        protected override long? TimeoutMsOf(ColumnFamilyRequest request) =>
            request.__isset.timeout_ms ? request.TimeoutMs : null;

        protected override bool TryBuild(ColumnFamilyRequest request, out KvCommand command, out Refusal refusal)
        {
            command = commandFor(request.Name);
            Refusal? wrongToken = Backend.CheckToken(request.AuthToken);
            refusal = wrongToken ?? default;
            return wrongToken is null;
        }

        protected override ColumnFamilyResponse Answer(in CommandResult result) =>
            new(true) { Version = result.Version.Value };

        protected override ColumnFamilyResponse Refuse(in Refusal refusal)
        {
            var response = new ColumnFamilyResponse(false) { Error = refusal.Message, Code = refusal.Code };
            if (refusal.LeaderEndpoint is { } leader)
            {
                response.LeaderEndpoint = leader;
            }

            return response;
        }
    }
}
