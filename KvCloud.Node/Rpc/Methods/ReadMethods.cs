using KvCloud.Node.Operations;
using KvCloud.Node.Routing;
using KvCloud.Node.State;
using KvCloud.Protocol;
using ReadConsistency = KvCloud.Protocol.ReadConsistency;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>Reads of the present: get, getRange, getReadVersion, listColumnFamilies.</summary>
internal static class ReadMethods
{
    public static IEnumerable<RpcMethod> All(KvBackend backend) =>
        [new GetMethod(backend), new GetRange(backend), new GetReadVersionMethod(backend), new ListColumnFamilies(backend)];

    /// <summary>Null when there is nothing to object to.</summary>
    public static Refusal? CheckConsistency(ReadConsistency? level, int? maxStalenessMs)
    {
        if (level is < ReadConsistency.LOCAL or > ReadConsistency.READ_INDEX)
        {
            return Refusal.InvalidArgument($"consistency must be 0 (LOCAL), 1 (LEADER) or 2 (READ_INDEX), not {(int)level}");
        }

        return maxStalenessMs < 0
            ? Refusal.InvalidArgument($"max_staleness_ms must not be negative, but is {maxStalenessMs}")
            : null;
    }

    private sealed class GetRange(KvBackend backend)
        : RangeMethod<GetRangeRequest, GetRangeResponse>("getRange", backend)
    {
        protected override int? TimeoutMsOf(GetRangeRequest request) =>
            request.__isset.timeout_ms ? request.TimeoutMs : null;

        protected override Refusal? Validate(GetRangeRequest request) => CheckConsistency(LevelOf(request), StalenessOf(request));

        protected override ValueTask<ReadAdmission> AdmitAsync(GetRangeRequest request, long deadlineMs) =>
            Backend.Routing.AdmitReadAsync(
                LevelOf(request)?.ToRouting(), StalenessOf(request), deadlineMs, CancellationToken.None);

        protected override string? ColumnFamilyOf(GetRangeRequest request) => request.ColumnFamily;

        protected override RangeQuery QueryOf(GetRangeRequest request) => new(
            request.BeginKey,
            request.BeginOrEqual,
            request.BeginOffset,
            Ranges.End(request.EndKey, request.ToEndOfKeyspace),
            request.EndOrEqual,
            request.EndOffset,
            request.Limit,
            Ranges.LimitBytes(request.__isset.limit_bytes ? request.LimitBytes : null, Backend.Options.Limits));

        protected override CommitVersion? VersionOf(GetRangeRequest request) => null;

        protected override GetRangeResponse Answer(RangeResult result) =>
            new(Ranges.Rows(result), true, result.HasMore) { Version = result.ReadAt.Value };

        protected override GetRangeResponse Refuse(in Refusal refusal)
        {
            var response = new GetRangeResponse([], false, false) { Error = refusal.Message, Code = refusal.Code };
            if (refusal.LeaderEndpoint is { } leader)
            {
                response.LeaderEndpoint = leader;
            }

            return response;
        }

        private static ReadConsistency? LevelOf(GetRangeRequest request) =>
            request.__isset.consistency ? request.Consistency : null;

        private static int? StalenessOf(GetRangeRequest request) =>
            request.__isset.max_staleness_ms ? request.MaxStalenessMs : null;
    }

    private sealed class ListColumnFamilies(KvBackend backend)
        : ReadMethod<ListColumnFamiliesRequest, ListColumnFamiliesResponse>("listColumnFamilies", backend)
    {
        protected override int? TimeoutMsOf(ListColumnFamiliesRequest request) => null;

        protected override Refusal? Validate(ListColumnFamiliesRequest request) => CheckConsistency(LevelOf(request), null);

        protected override ValueTask<ReadAdmission> AdmitAsync(ListColumnFamiliesRequest request, long deadlineMs) =>
            Backend.Routing.AdmitReadAsync(LevelOf(request)?.ToRouting(), null, deadlineMs, CancellationToken.None);

        protected override (ListColumnFamiliesResponse Response, ErrorCode Code) Read(ListColumnFamiliesRequest request) =>
            (new ListColumnFamiliesResponse(true, [.. Backend.Reader.ColumnFamilies]), ErrorCode.OK);

        protected override ListColumnFamiliesResponse Refuse(in Refusal refusal)
        {
            var response = new ListColumnFamiliesResponse(false, []) { Error = refusal.Message, Code = refusal.Code };
            if (refusal.LeaderEndpoint is { } leader)
            {
                response.LeaderEndpoint = leader;
            }

            return response;
        }

        private static ReadConsistency? LevelOf(ListColumnFamiliesRequest request) =>
            request.__isset.consistency ? request.Consistency : null;
    }
}
