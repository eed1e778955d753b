using KvCloud.Node.Operations;
using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// Calls whose state lives in the client. The server answers NOT_SUPPORTED and says what to use instead.
/// </summary>
internal static class ClientSideMethods
{
    public static IEnumerable<RpcMethod> All(KvBackend backend) =>
    [
        new ClientSide<AddReadConflictRequest, AddReadConflictResponse>(
            "addReadConflict", backend, "send read_conflict_keys with atomicCommit"),
        new ClientSide<AddReadConflictRangeRequest, AddReadConflictRangeResponse>(
            "addReadConflictRange", backend, "send read_conflict_ranges with atomicCommit"),
        new ClientSide<SetReadVersionRequest, SetReadVersionResponse>(
            "setReadVersion", backend, "send read_version with each snapshot read and with atomicCommit"),
        new ClientSide<GetCommittedVersionRequest, GetCommittedVersionResponse>(
            "getCommittedVersion", backend, "take committed_version from the answer to atomicCommit"),
    ];

    private sealed class ClientSide<TRequest, TResponse>(string name, KvBackend backend, string instead)
        : NodeMethod<TRequest, TResponse>(name, backend, OperationKind.ClientSide)
        where TRequest : class, TBase, new()
        where TResponse : class, TBase, new()
    {
        protected override TResponse Answer(TRequest request) => Refused(new Refusal(
            ErrorCode.NOT_SUPPORTED, $"{Name} is client-side in this model: {instead}"));
    }
}
