using KvCloud.Node.Operations;
using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// atomicCommit, and setVersionstampedKey and setVersionstampedValue, which are transactions of one operation.
/// </summary>
internal static class TransactionMethods
{
    public static IEnumerable<RpcMethod> All(KvBackend backend) =>
        [new AtomicCommitMethod(backend), new SetVersionstampedKey(backend), new SetVersionstampedValue(backend)];

    private abstract class SingleMutation<TRequest, TResponse>(string name, KvBackend backend)
        : ThriftWriteMethod<TRequest, TResponse>(name, backend)
        where TRequest : class, TBase, IIdentifiedRequest, new()
        where TResponse : class, TBase, new()
    {
        protected sealed override bool TryBuild(
            TRequest request, RequestIdentity? identity, out KvCommand command, out Refusal refusal)
        {
            refusal = default;
            command = new CommitCommand(CommitVersion.Zero, [MutationOf(request)], [], []) { Identity = identity };
            return true;
        }

        protected abstract Mutation MutationOf(TRequest request);
    }

    private sealed class SetVersionstampedKey(KvBackend backend)
        : SingleMutation<SetVersionstampedKeyRequest, SetVersionstampedKeyResponse>("setVersionstampedKey", backend)
    {
        protected override Mutation MutationOf(SetVersionstampedKeyRequest request) =>
            new(MutationKind.SetVersionstampedKey, request.ColumnFamily, request.KeyPrefix, request.Value);

        protected override SetVersionstampedKeyResponse Answer(in CommandResult result) =>
            new(result.Generated?[0] ?? [], true) { Version = result.Version.Value };
    }

    private sealed class SetVersionstampedValue(KvBackend backend)
        : SingleMutation<SetVersionstampedValueRequest, SetVersionstampedValueResponse>(
            "setVersionstampedValue", backend)
    {
        protected override Mutation MutationOf(SetVersionstampedValueRequest request) =>
            new(MutationKind.SetVersionstampedValue, request.ColumnFamily, request.Key, request.ValuePrefix);

        protected override SetVersionstampedValueResponse Answer(in CommandResult result) =>
            new(result.Generated?[0] ?? [], true) { Version = result.Version.Value };
    }
}
