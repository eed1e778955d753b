using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>Calls that mean something in the client only, in this model; the server says so.</summary>
internal static class ClientSideMethods
{
    public static IEnumerable<RpcMethod> All(KvBackend backend) =>
    [
        new AddReadConflict(backend),
        new AddReadConflictRange(backend),
        new SetReadVersion(backend),
        new GetCommittedVersion(backend),
    ];

    private static Refusal ClientSide(string method, string instead) =>
        new(ErrorCode.NOT_SUPPORTED, $"{method} is client-side in this model: {instead}");

    private sealed class AddReadConflict(KvBackend backend)
        : NodeMethod<AddReadConflictRequest, AddReadConflictResponse>("addReadConflict", backend)
    {
        protected override (AddReadConflictResponse Response, ErrorCode Code) Answer(AddReadConflictRequest request) =>
            (Refuse(ClientSide(Name, "send read_conflict_keys with atomicCommit")), ErrorCode.NOT_SUPPORTED);

        protected override AddReadConflictResponse Refuse(in Refusal refusal) =>
            new(false) { Error = refusal.Message, Code = refusal.Code };
    }

    private sealed class AddReadConflictRange(KvBackend backend)
        : NodeMethod<AddReadConflictRangeRequest, AddReadConflictRangeResponse>("addReadConflictRange", backend)
    {
        protected override (AddReadConflictRangeResponse Response, ErrorCode Code) Answer(
            AddReadConflictRangeRequest request) =>
            (Refuse(ClientSide(Name, "send read_conflict_ranges with atomicCommit")), ErrorCode.NOT_SUPPORTED);

        protected override AddReadConflictRangeResponse Refuse(in Refusal refusal) =>
            new(false) { Error = refusal.Message, Code = refusal.Code };
    }

    private sealed class SetReadVersion(KvBackend backend)
        : NodeMethod<SetReadVersionRequest, SetReadVersionResponse>("setReadVersion", backend)
    {
        protected override (SetReadVersionResponse Response, ErrorCode Code) Answer(SetReadVersionRequest request) =>
            (Refuse(ClientSide(Name, "send read_version with each snapshot read and with atomicCommit")),
                ErrorCode.NOT_SUPPORTED);

        protected override SetReadVersionResponse Refuse(in Refusal refusal) =>
            new(false) { Error = refusal.Message, Code = refusal.Code };
    }

    private sealed class GetCommittedVersion(KvBackend backend)
        : NodeMethod<GetCommittedVersionRequest, GetCommittedVersionResponse>("getCommittedVersion", backend)
    {
        protected override (GetCommittedVersionResponse Response, ErrorCode Code) Answer(
            GetCommittedVersionRequest request) =>
            (Refuse(ClientSide(Name, "take committed_version from the answer to atomicCommit")),
                ErrorCode.NOT_SUPPORTED);

        protected override GetCommittedVersionResponse Refuse(in Refusal refusal) =>
            new(0, false) { Error = refusal.Message, Code = refusal.Code };
    }
}
