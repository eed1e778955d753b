using KvCloud.Node.Operations;
using KvCloud.Node.Routing;
using KvCloud.Node.State;
using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>Reads at a version: snapshotRead, snapshotGet, snapshotGetRange. Any replica that has applied it answers.</summary>
internal static class SnapshotMethods
{
    public static IEnumerable<RpcMethod> All(KvBackend backend) =>
        [new SnapshotRead(backend), new SnapshotGet(backend), new SnapshotGetRange(backend)];

    private static Refusal? CheckVersion(long version) =>
        version < 0 ? Refusal.InvalidArgument($"read_version must not be negative, but is {version}") : null;

    private abstract class SnapshotMethod<TRequest, TResponse>(string name, KvBackend backend)
        : ReadMethod<TRequest, TResponse>(name, backend)
        where TRequest : class, TBase, new()
        where TResponse : TBase
    {
        protected sealed override ValueTask<ReadAdmission> AdmitAsync(TRequest request, long deadlineMs) =>
            Backend.Routing.AdmitReadAtAsync(VersionOf(request), deadlineMs, CancellationToken.None);

        protected abstract CommitVersion VersionOf(TRequest request);
    }

    private sealed class SnapshotRead(KvBackend backend)
        : SnapshotMethod<SnapshotReadRequest, SnapshotReadResponse>("snapshotRead", backend)
    {
        protected override int? TimeoutMsOf(SnapshotReadRequest request) =>
            request.__isset.timeout_ms ? request.TimeoutMs : null;

        protected override CommitVersion VersionOf(SnapshotReadRequest request) => new(request.ReadVersion);

        protected override Refusal? Validate(SnapshotReadRequest request) => CheckKey(request.Key) ?? CheckVersion(request.ReadVersion);

        protected override (SnapshotReadResponse Response, ErrorCode Code) Read(SnapshotReadRequest request)
        {
            GetResult result = Backend.Reader.Get(request.ColumnFamily, request.Key, VersionOf(request));
            if (result.Code != KvStatus.Ok)
            {
                return (Refuse(Refusal.Of(result.Code, result.Message)), result.Code.ToErrorCode());
            }

            return (result.Value is null
                ? new SnapshotReadResponse([], false)
                : new SnapshotReadResponse(result.Value, true) { Version = result.Version.Value }, ErrorCode.OK);
        }

        protected override SnapshotReadResponse Refuse(in Refusal refusal)
        {
            var response = new SnapshotReadResponse([], false) { Error = refusal.Message, Code = refusal.Code };
            if (refusal.LeaderEndpoint is { } leader)
            {
                response.LeaderEndpoint = leader;
            }

            return response;
        }
    }

    private sealed class SnapshotGet(KvBackend backend)
        : SnapshotMethod<SnapshotGetRequest, SnapshotGetResponse>("snapshotGet", backend)
    {
        protected override int? TimeoutMsOf(SnapshotGetRequest request) =>
            request.__isset.timeout_ms ? request.TimeoutMs : null;

        protected override CommitVersion VersionOf(SnapshotGetRequest request) => new(request.ReadVersion);

        protected override Refusal? Validate(SnapshotGetRequest request) => CheckKey(request.Key) ?? CheckVersion(request.ReadVersion);

        protected override (SnapshotGetResponse Response, ErrorCode Code) Read(SnapshotGetRequest request)
        {
            GetResult result = Backend.Reader.Get(request.ColumnFamily, request.Key, VersionOf(request));
            if (result.Code != KvStatus.Ok)
            {
                return (Refuse(Refusal.Of(result.Code, result.Message)), result.Code.ToErrorCode());
            }

            return (result.Value is null
                ? new SnapshotGetResponse([], false)
                : new SnapshotGetResponse(result.Value, true) { Version = result.Version.Value }, ErrorCode.OK);
        }

        protected override SnapshotGetResponse Refuse(in Refusal refusal)
        {
            var response = new SnapshotGetResponse([], false) { Error = refusal.Message, Code = refusal.Code };
            if (refusal.LeaderEndpoint is { } leader)
            {
                response.LeaderEndpoint = leader;
            }

            return response;
        }
    }

    private sealed class SnapshotGetRange(KvBackend backend)
        : RangeMethod<SnapshotGetRangeRequest, SnapshotGetRangeResponse>("snapshotGetRange", backend)
    {
        protected override int? TimeoutMsOf(SnapshotGetRangeRequest request) =>
            request.__isset.timeout_ms ? request.TimeoutMs : null;

        protected override Refusal? Validate(SnapshotGetRangeRequest request) => CheckVersion(request.ReadVersion);

        protected override ValueTask<ReadAdmission> AdmitAsync(SnapshotGetRangeRequest request, long deadlineMs) =>
            Backend.Routing.AdmitReadAtAsync(
                new CommitVersion(request.ReadVersion), deadlineMs, CancellationToken.None);

        protected override string? ColumnFamilyOf(SnapshotGetRangeRequest request) => request.ColumnFamily;

        protected override RangeQuery QueryOf(SnapshotGetRangeRequest request) => new(
            request.BeginKey,
            request.BeginOrEqual,
            request.BeginOffset,
            Ranges.End(request.EndKey, request.ToEndOfKeyspace),
            request.EndOrEqual,
            request.EndOffset,
            request.Limit,
            Ranges.LimitBytes(request.__isset.limit_bytes ? request.LimitBytes : null, Backend.Options.Limits));

        protected override CommitVersion? VersionOf(SnapshotGetRangeRequest request) => new(request.ReadVersion);

        protected override SnapshotGetRangeResponse Answer(RangeResult result) =>
            new(Ranges.Rows(result), true, result.HasMore) { Version = result.ReadAt.Value };

        protected override SnapshotGetRangeResponse Refuse(in Refusal refusal)
        {
            var response = new SnapshotGetRangeResponse([], false, false) { Error = refusal.Message, Code = refusal.Code };
            if (refusal.LeaderEndpoint is { } leader)
            {
                response.LeaderEndpoint = leader;
            }

            return response;
        }
    }

    private static Refusal? CheckKey(byte[] key) =>
        CommandValidator.ValidateKey(key.Length) is { } invalid ? Refusal.Of(in invalid) : null;
}
