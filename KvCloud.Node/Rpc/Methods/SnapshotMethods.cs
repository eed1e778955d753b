using KvCloud.Node.Access;
using KvCloud.Node.History;
using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// Reads at a version: snapshotRead, snapshotGet, snapshotGetRange. Any replica that has applied the version answers.
/// </summary>
internal static class SnapshotMethods
{
    public static IEnumerable<RpcMethod> All(KvBackend backend) =>
    [
        new SnapshotPoint<SnapshotReadRequest, SnapshotReadResponse>("snapshotRead", backend),
        new SnapshotPoint<SnapshotGetRequest, SnapshotGetResponse>("snapshotGet", backend),
        new RangeMethod<SnapshotGetRangeRequest, SnapshotGetRangeResponse>("snapshotGetRange", backend),
    ];

    /// <summary>snapshotRead and snapshotGet: two names for the same read.</summary>
    private sealed class SnapshotPoint<TRequest, TResponse>(string name, KvBackend backend)
        : LookupMethod<TRequest, TResponse>(name, backend)
        where TRequest : class, TBase, ISnapshotPointRequest, new()
        where TResponse : class, TBase, IPointAnswer, new()
    {
        protected override Refusal? CheckAccess(TRequest request, Caller? caller) =>
            Backend.Access.CheckRead(caller, request.ColumnFamily, request.Key);

        protected override IEnumerable<CallKey> KeysOf(TRequest request) =>
            [new CallKey(request.ColumnFamily, request.Key)];

        protected override TResponse Read(TRequest request)
        {
            GetResult result = Backend.Reader.Get(
                request.ColumnFamily, request.Key, new CommitVersion(request.ReadVersion));
            if (Refusal.TryOf(in result, out Refusal refusal))
            {
                return Refused(in refusal);
            }

            return result.Value is null
                ? NewAnswer()
                : new TResponse { Value = result.Value, Found = true, Version = result.Version.Value };
        }
    }
}
