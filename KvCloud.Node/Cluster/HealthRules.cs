using KvCloud.Node.Transport;

namespace KvCloud.Node.Cluster;

/// <summary>A replica's health and, if it is not healthy, the reason.</summary>
internal readonly record struct HealthVerdict(NodeHealth Health, string? Reason)
{
    public static readonly HealthVerdict Healthy = new(NodeHealth.Healthy, null);
}

/// <summary>Computes the health of replicas and of the cluster. Pure functions of their parameters.</summary>
internal static class HealthRules
{
    public const string ClusterHealthy = "healthy";
    public const string ClusterDegraded = "degraded";
    public const string ClusterUnhealthy = "unhealthy";

    /// <summary>Health of this replica according to its own knowledge.</summary>
    /// <param name="notMet">The voters it has not met yet and must meet before it takes part.</param>
    /// <param name="dataTrouble">Why its data store answers nothing; null while it is sound.</param>
    public static HealthVerdict JudgeSelf(
        IReadOnlyList<int> notMet,
        bool knowsLeader,
        long lagSlots,
        long maxLagSlots,
        bool hasDiverged,
        string? diskTrouble = null,
        string? dataTrouble = null) =>
        dataTrouble is not null ? Degraded(dataTrouble)
        : notMet.Count > 0 ? Degraded(Bootstrap.Describe(notMet))
        : hasDiverged ? Degraded("its state differs from a peer's at the same slot")
        : !knowsLeader ? Degraded("it knows no leader")
        : lagSlots > maxLagSlots ? Degraded($"it is {lagSlots} slots behind")
        : diskTrouble is not null ? Degraded(diskTrouble)
        : HealthVerdict.Healthy;

    /// <param name="age">Age of the last report; null if there was none.</param>
    /// <param name="link">State of the link to the peer; null if the transport has none.</param>
    public static HealthVerdict JudgePeer(
        TimeSpan? age,
        TimeSpan timeout,
        PeerLink? link,
        bool clusterHasLeader,
        long lagSlots,
        long maxLagSlots,
        bool hasDiverged,
        DataState data = DataState.Sound)
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

        return data == DataState.Damaged ? Degraded("its data store is damaged: it answers no reads")
            : data == DataState.Rebuilding ? Degraded("its data are made anew from a peer's")
            : hasDiverged ? Degraded("its state differs from this replica's at the same slot")
            : !isConnected ? Degraded("its reports arrive, but it cannot be reached")
            : !clusterHasLeader ? Degraded("no leader is known")
            : lagSlots > maxLagSlots ? Degraded($"it is {lagSlots} slots behind")
            : HealthVerdict.Healthy;
    }

    /// <summary>
    /// healthy: all replicas are; degraded: a quorum is reachable and has a leader; unhealthy: no quorum, no leader, or
    /// diverged states.
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
