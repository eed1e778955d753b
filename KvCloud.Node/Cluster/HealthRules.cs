using KvCloud.Node.Transport;

namespace KvCloud.Node.Cluster;

/// <summary>A replica's health and, where it is not healthy, the reason.</summary>
internal readonly record struct HealthVerdict(NodeHealth Health, string? Reason)
{
    public static readonly HealthVerdict Healthy = new(NodeHealth.Healthy, null);
}

/// <summary>Judges replicas and the cluster. Pure: the same parameters give the same verdict.</summary>
internal static class HealthRules
{
    public const string ClusterHealthy = "healthy";
    public const string ClusterDegraded = "degraded";
    public const string ClusterUnhealthy = "unhealthy";

    /// <summary>This replica, as far as it can tell of itself.</summary>
    /// <param name="notMet">The voters that it has still to meet before it takes part.</param>
    public static HealthVerdict JudgeSelf(
        IReadOnlyList<int> notMet, bool knowsLeader, long lagSlots, long maxLagSlots, bool hasDiverged) =>
        notMet.Count > 0 ? Degraded(Bootstrap.Describe(notMet))
        : hasDiverged ? Degraded("its state differs from a peer's at the same slot")
        : !knowsLeader ? Degraded("it knows no leader")
        : lagSlots > maxLagSlots ? Degraded($"it is {lagSlots} slots behind")
        : HealthVerdict.Healthy;

    /// <param name="age">Of the last report; null when there was never one.</param>
    /// <param name="link">To the peer; null when the transport knows none.</param>
    public static HealthVerdict JudgePeer(
        TimeSpan? age,
        TimeSpan timeout,
        PeerLink? link,
        bool clusterHasLeader,
        long lagSlots,
        long maxLagSlots,
        bool hasDiverged)
    {
        bool isConnected = link?.IsConnected ?? false;
        if (age is null)
        {
            return new HealthVerdict(
                NodeHealth.Unknown,
                link?.RefusedReason is string refused ? $"never heard; the handshake was refused: {refused}"
                : isConnected ? "connected, but it has not reported yet"
                : "never heard");
        }

        if (age > timeout)
        {
            return new HealthVerdict(
                NodeHealth.Unreachable,
                $"silent for {(long)age.Value.TotalMilliseconds} ms"
                + (link?.RefusedReason is string refused ? $"; the handshake was refused: {refused}" : ""));
        }

        return hasDiverged ? Degraded("its state differs from this replica's at the same slot")
            : !isConnected ? Degraded("it is heard, but cannot be reached")
            : !clusterHasLeader ? Degraded("no leader is known")
            : lagSlots > maxLagSlots ? Degraded($"it is {lagSlots} slots behind")
            : HealthVerdict.Healthy;
    }

    /// <summary>
    /// healthy: all replicas are; degraded: a quorum can be reached and leads; unhealthy: no quorum, no leader, or
    /// states that differ.
    /// </summary>
    public static string JudgeCluster(IReadOnlyCollection<NodeHealth> nodes, bool hasLeader, bool hasDiverged)
    {
        int reachable = nodes.Count(health => health is NodeHealth.Healthy or NodeHealth.Degraded);
        return !hasLeader || hasDiverged || reachable < (nodes.Count / 2) + 1 ? ClusterUnhealthy
            : nodes.All(health => health == NodeHealth.Healthy) ? ClusterHealthy
            : ClusterDegraded;
    }

    private static HealthVerdict Degraded(string reason) => new(NodeHealth.Degraded, reason);
}
