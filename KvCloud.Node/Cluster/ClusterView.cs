using KvCloud.Node.Transport;

namespace KvCloud.Node.Cluster;

internal enum NodeHealth
{
    Unknown = 0,
    Healthy = 1,
    Degraded = 2,
    Unreachable = 3,
}

/// <summary>One replica as this replica sees it.</summary>
/// <param name="HealthReason">Why the replica is not healthy, for people; null if it is.</param>
internal sealed record NodeView(
    int NodeId,
    string ClientEndpoint,
    string PeerEndpoint,
    string HttpEndpoint,
    NodeHealth Health,
    bool IsLeader,
    string Role,
    long LastSeenUnixMs,
    long Term,
    long? UptimeSeconds,
    long AppliedSlot,
    long ChosenSlot,
    long AppliedVersion,
    string? HealthReason = null)
{
    /// <summary>A member that has no vote.</summary>
    public bool IsLearner { get; init; }

    /// <summary>What the replica's program can do; null while it is not connected.</summary>
    public PeerRelease? Release { get; init; }

    /// <summary>The group's feature level as of what the replica has applied; 0 where it does not say.</summary>
    public int FeatureLevel { get; init; }
}

/// <summary>The cluster as this replica sees it. Immutable: a reader can keep the one it took.</summary>
/// <param name="Status">
/// healthy: all replicas are; degraded: a quorum is and has a leader; unhealthy: no quorum or no leader.
/// </param>
internal sealed record ClusterView(
    string ClusterId, int SelfId, int? LeaderId, long Term, string Status, IReadOnlyList<NodeView> Nodes)
{
    /// <summary>The group's feature level as of what this replica has applied.</summary>
    public int FeatureLevel { get; init; }

    public NodeView? Leader => LeaderId is int id ? Nodes.FirstOrDefault(node => node.NodeId == id) : null;
}
