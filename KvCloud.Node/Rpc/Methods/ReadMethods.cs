using KvCloud.Node.Access;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>Reads of the present: get, getRange, getReadVersion, listColumnFamilies.</summary>
internal static class ReadMethods
{
    public static IEnumerable<RpcMethod> All(KvBackend backend) =>
    [
        new GetMethod(backend),
        new RangeMethod<GetRangeRequest, GetRangeResponse>("getRange", backend),
        new GetReadVersionMethod(backend),
        new ListColumnFamilies(backend),
    ];

    private sealed class ListColumnFamilies(KvBackend backend)
        : LookupMethod<ListColumnFamiliesRequest, ListColumnFamiliesResponse>("listColumnFamilies", backend)
    {
        /// <summary>To have logged in is enough.</summary>
        protected override Refusal? CheckAccess(ListColumnFamiliesRequest request, Caller? caller) => null;

        protected override ListColumnFamiliesResponse Read(ListColumnFamiliesRequest request) =>
            new(true, [.. Backend.Reader.ColumnFamilies]);

        protected override ListColumnFamiliesResponse NewAnswer() => new(false, []);
    }
}
