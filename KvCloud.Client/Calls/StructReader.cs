using KvCloud.Client.Backup;
using KvCloud.Client.Wire;
using KvCloud.Protocol;
using Thrift;
using Thrift.Protocol;
using Thrift.Transport.Client;

namespace KvCloud.Client.Calls;

/// <summary>Reads answers that are not on a hot path from memory, with the generated classes.</summary>
internal static class StructReader
{
    public static async ValueTask<KvClusterHealth> ReadHealthAsync(Reply reply, CancellationToken cancellationToken)
    {
        var response = new GetClusterHealthResponse();
        await ReadAsync(response, reply, cancellationToken).ConfigureAwait(false);
        Check(response.Success, response.__isset.code ? response.Code : null, response.Error);
        ClusterHealth health = response.ClusterHealth ?? throw Missing("cluster_health");
        return new KvClusterHealth
        {
            Nodes = [.. (health.Nodes ?? []).Select(ToStatus).OrderBy(node => node.Id)],
            Leader = health.Leader is { } leader ? ToStatus(leader) : null,
            Status = health.ClusterStatus,
            HealthyNodes = health.HealthyNodesCount,
            Term = health.CurrentTerm,
            ClusterId = health.ClusterId,
            AnsweredBy = health.__isset.answered_by ? health.AnsweredBy : null,
            FeatureLevel = health.__isset.feature_level ? health.FeatureLevel : null,
        };
    }

    public static async ValueTask<KvDatabaseStats> ReadStatsAsync(Reply reply, CancellationToken cancellationToken)
    {
        var response = new GetDatabaseStatsResponse();
        await ReadAsync(response, reply, cancellationToken).ConfigureAwait(false);
        Check(response.Success, response.__isset.code ? response.Code : null, response.Error);
        DatabaseStats stats = response.DatabaseStats ?? throw Missing("database_stats");
        return new KvDatabaseStats
        {
            TotalKeys = stats.TotalKeys,
            TotalSizeBytes = stats.TotalSizeBytes,
            WriteOperations = stats.WriteOperationsCount,
            ReadOperations = stats.ReadOperationsCount,
            AverageResponseTimeMs = stats.AverageResponseTimeMs,
            ActiveTransactions = stats.ActiveTransactions,
            CommittedTransactions = stats.CommittedTransactions,
            AbortedTransactions = stats.AbortedTransactions,
            CacheHitRatePercent = stats.__isset.cache_hit_rate_percent ? stats.CacheHitRatePercent : null,
            CompactionPendingBytes = stats.__isset.compaction_pending_bytes ? stats.CompactionPendingBytes : null,
            OldestReadableVersion = stats.__isset.oldest_readable_version ? stats.OldestReadableVersion : null,
            AppliedVersion = stats.__isset.applied_version ? stats.AppliedVersion : null,
            Details = stats.Details ?? [],
        };
    }

    public static async ValueTask<IReadOnlyList<string>> ReadColumnFamiliesAsync(
        Reply reply, CancellationToken cancellationToken)
    {
        var response = new ListColumnFamiliesResponse();
        await ReadAsync(response, reply, cancellationToken).ConfigureAwait(false);
        Check(response.Success, response.__isset.code ? response.Code : null, response.Error);
        return response.Names ?? [];
    }

    public static async ValueTask<DateTimeOffset> ReadPingAsync(Reply reply, CancellationToken cancellationToken)
    {
        var response = new PingResponse();
        await ReadAsync(response, reply, cancellationToken).ConfigureAwait(false);
        return DateTimeOffset.UnixEpoch.AddMicroseconds(response.ServerTimestamp);
    }

    public static async ValueTask ReadFaultAsync(Reply reply, CancellationToken cancellationToken)
    {
        var response = new FaultInjectionResponse();
        await ReadAsync(response, reply, cancellationToken).ConfigureAwait(false);
        Check(response.Success, response.__isset.code ? response.Code : null, response.Error);
    }

    public static async ValueTask<SourceSnapshot?> ReadSnapshotAsync(Reply reply, CancellationToken cancellationToken)
    {
        var response = new OpenSnapshotResponse();
        await ReadAsync(response, reply, cancellationToken).ConfigureAwait(false);
        Check(response.Success, response.__isset.code ? response.Code : null, response.Error);
        return response.State != SnapshotState.READY
            ? null
            : new SourceSnapshot
            {
                Id = response.SnapshotId,
                ClusterId = response.ClusterId ?? throw Missing("cluster_id"),
                NodeId = response.NodeId,
                Slot = response.Slot,
                Version = response.Version,
                UnixMs = response.UnixMs,
                Files = [.. (response.Files ?? throw Missing("files")).Select(
                    file => new SourceFile(file.Name, file.SizeBytes, file.Hash))],
            };
    }

    public static async ValueTask<byte[]> ReadContentAsync(Reply reply, CancellationToken cancellationToken)
    {
        var response = new ReadSnapshotResponse();
        await ReadAsync(response, reply, cancellationToken).ConfigureAwait(false);
        Check(response.Success, response.__isset.code ? response.Code : null, response.Error);
        return response.Content ?? throw Missing("content");
    }

    public static async ValueTask<SourceLog> ReadLogAsync(Reply reply, CancellationToken cancellationToken)
    {
        var response = new ReadLogResponse();
        await ReadAsync(response, reply, cancellationToken).ConfigureAwait(false);
        Check(response.Success, response.__isset.code ? response.Code : null, response.Error);
        return new SourceLog
        {
            ClusterId = response.ClusterId ?? throw Missing("cluster_id"),
            NodeId = response.NodeId,
            AppliedSlot = response.AppliedSlot,
            AppliedVersion = response.AppliedVersion,
            FirstAvailableSlot = response.FirstAvailableSlot,
            Block = response.Content is { } content
                ? new SourceBlock(
                    content,
                    response.FirstSlot,
                    response.LastSlot,
                    response.__isset.first_unix_ms ? response.FirstUnixMs : null,
                    response.__isset.last_unix_ms ? response.LastUnixMs : null)
                : null,
        };
    }

    public static async ValueTask<KvAccess> ReadAccessAsync(Reply reply, CancellationToken cancellationToken)
    {
        var response = new ListAccessResponse();
        await ReadAsync(response, reply, cancellationToken).ConfigureAwait(false);
        Check(response.Success, response.__isset.code ? response.Code : null, response.Error);
        return new KvAccess
        {
            Users = [.. (response.Users ?? []).Select(ToUser)],
            Roles = [.. (response.Roles ?? []).Select(role =>
                new KvRole { Name = role.Name, Grants = ToGrants(role.Grants) })],
        };
    }

    private static KvUser ToUser(AccessUser user) => new()
    {
        Name = user.Name,
        HasPassword = user.HasPassword,
        Tokens = (user.Tokens ?? []).ToDictionary(
            token => token.Name,
            token => token.__isset.expires_unix_ms
                ? DateTimeOffset.FromUnixTimeMilliseconds(token.ExpiresUnixMs)
                : (DateTimeOffset?)null,
            StringComparer.Ordinal),
        Roles = user.Roles ?? [],
        Grants = ToGrants(user.Grants),
    };

    private static KvGrant[] ToGrants(List<AccessGrant>? grants) =>
    [
        .. (grants ?? []).Select(grant => new KvGrant
        {
            Rights = (KvRights)grant.Rights,
            ColumnFamily = grant.ColumnFamily,
            KeyPrefix = grant.KeyPrefix,
        }),
    ];

    private static async ValueTask ReadAsync(TBase response, Reply reply, CancellationToken cancellationToken)
    {
        try
        {
            using var transport = new TMemoryBufferTransport(reply.Bytes ?? [], new TConfiguration());
            using var protocol = new TBinaryProtocol(transport);
            await response.ReadAsync(protocol, cancellationToken).ConfigureAwait(false);
        }
        catch (TException exception)
        {
            throw new KvCloudException(
                ErrorCode.INTERNAL, $"the answer cannot be read: {exception.Message}", null, exception);
        }
    }

    private static void Check(bool success, ErrorCode? code, string? error)
    {
        if (!success)
        {
            throw new KvCloudException(code ?? ErrorCode.INTERNAL, error ?? "the server gave no reason");
        }
    }

    private static KvCloudException Missing(string field) =>
        new(ErrorCode.INTERNAL, $"the answer lacks {field}");

    private static KvNodeStatus ToStatus(NodeStatus node) => new()
    {
        Id = node.NodeId,
        Endpoint = node.Endpoint,
        Status = node.Status,
        IsLeader = node.IsLeader,
        Role = node.Role,
        LastSeen = node.LastSeenTimestamp > 0 ? DateTimeOffset.FromUnixTimeMilliseconds(node.LastSeenTimestamp) : null,
        Uptime = node.__isset.uptime_seconds ? TimeSpan.FromSeconds(node.UptimeSeconds) : null,
        AppliedSlot = node.__isset.applied_slot ? node.AppliedSlot : null,
        ChosenSlot = node.__isset.chosen_slot ? node.ChosenSlot : null,
        LagSlots = node.__isset.lag_slots ? node.LagSlots : null,
        AppliedVersion = node.__isset.applied_version ? node.AppliedVersion : null,
        PeerEndpoint = node.PeerEndpoint,
        HttpEndpoint = node.HttpEndpoint,
        IsLearner = node.MemberRole == "learner",
        StatusReason = node.StatusReason,
        SoftwareVersion = node.Version,
        MinWireVersion = node.__isset.min_wire_version ? node.MinWireVersion : null,
        MaxWireVersion = node.__isset.max_wire_version ? node.MaxWireVersion : null,
        SupportedFeatureLevel = node.__isset.supported_feature_level ? node.SupportedFeatureLevel : null,
        FeatureLevel = node.__isset.feature_level ? node.FeatureLevel : null,
    };
}
