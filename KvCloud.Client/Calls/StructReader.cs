using KvCloud.Client.Wire;
using KvCloud.Protocol;
using Thrift;
using Thrift.Protocol;
using Thrift.Transport.Client;

namespace KvCloud.Client.Calls;

/// <summary>Reads the answers that are not on a hot path with the generated classes, out of memory.</summary>
internal static class StructReader
{
    public static async ValueTask<KvClusterHealth> ReadHealthAsync(Reply reply, CancellationToken cancellationToken)
    {
        var response = new GetClusterHealthResponse();
        await ReadAsync(response, reply, cancellationToken).ConfigureAwait(false);
        Check(response.Success, response.__isset.code ? response.Code : null, response.Error);
        ClusterHealth health = response.ClusterHealth ?? throw Missing("cluster_health");
        return new KvClusterHealth(
            [.. (health.Nodes ?? []).Select(ToStatus).OrderBy(node => node.Id)],
            health.Leader is { } leader ? ToStatus(leader) : null,
            health.ClusterStatus,
            health.HealthyNodesCount,
            health.CurrentTerm,
            health.ClusterId,
            health.__isset.answered_by ? health.AnsweredBy : null);
    }

    public static async ValueTask<KvDatabaseStats> ReadStatsAsync(Reply reply, CancellationToken cancellationToken)
    {
        var response = new GetDatabaseStatsResponse();
        await ReadAsync(response, reply, cancellationToken).ConfigureAwait(false);
        Check(response.Success, response.__isset.code ? response.Code : null, response.Error);
        DatabaseStats stats = response.DatabaseStats ?? throw Missing("database_stats");
        return new KvDatabaseStats(
            stats.TotalKeys,
            stats.TotalSizeBytes,
            stats.WriteOperationsCount,
            stats.ReadOperationsCount,
            stats.AverageResponseTimeMs,
            stats.ActiveTransactions,
            stats.CommittedTransactions,
            stats.AbortedTransactions,
            stats.__isset.cache_hit_rate_percent ? stats.CacheHitRatePercent : null,
            stats.__isset.compaction_pending_bytes ? stats.CompactionPendingBytes : null,
            stats.__isset.oldest_readable_version ? stats.OldestReadableVersion : null,
            stats.__isset.applied_version ? stats.AppliedVersion : null,
            stats.Details ?? []);
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

    private static KvNodeStatus ToStatus(NodeStatus node) => new(
        node.NodeId,
        node.Endpoint,
        node.Status,
        node.IsLeader,
        node.Role,
        node.LastSeenTimestamp > 0 ? DateTimeOffset.FromUnixTimeMilliseconds(node.LastSeenTimestamp) : null,
        node.__isset.uptime_seconds ? TimeSpan.FromSeconds(node.UptimeSeconds) : null,
        node.__isset.applied_slot ? node.AppliedSlot : null,
        node.__isset.chosen_slot ? node.ChosenSlot : null,
        node.__isset.lag_slots ? node.LagSlots : null,
        node.__isset.applied_version ? node.AppliedVersion : null,
        node.PeerEndpoint,
        node.HttpEndpoint,
        node.Version);
}
