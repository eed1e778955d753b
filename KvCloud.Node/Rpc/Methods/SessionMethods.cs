using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// openSession, createColumnFamily and dropColumnFamily: writes to replicated state other than keys and values.
/// </summary>
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
        protected override bool TryBuild(
            OpenSessionRequest request, RequestIdentity? identity, out KvCommand command, out Refusal refusal)
        {
            refusal = default;
            command = new OpenSessionCommand();
            return true;
        }

        protected override OpenSessionResponse Answer(in CommandResult result) => new(true, result.Version.Value);
    }

    private sealed class ChangeColumnFamily(string name, KvBackend backend, Func<string, KvCommand> commandFor)
        : ThriftWriteMethod<ColumnFamilyRequest, ColumnFamilyResponse>(name, backend)
    {
        protected override bool TryBuild(
            ColumnFamilyRequest request, RequestIdentity? identity, out KvCommand command, out Refusal refusal)
        {
            refusal = default;
            command = commandFor(request.Name);
            return true;
        }

        protected override IPendingCall CallFor(
            in RequestMessage message, ColumnFamilyRequest request, KvCommand command, Principal principal)
        {
            string remote = message.Caller?.Remote ?? "";
            return NewCall(in message, command, request.__isset.timeout_ms ? request.TimeoutMs : null, Note);

            void Note(CommandResult result) => Backend.Access.Audit.ColumnFamilyChanged(
                principal, remote, $"{Name} {request.Name}", result.Code.ToErrorName() ?? "done");
        }

        protected override ColumnFamilyResponse Answer(in CommandResult result) =>
            new(true) { Version = result.Version.Value };
    }
}
