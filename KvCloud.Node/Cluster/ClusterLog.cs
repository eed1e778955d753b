namespace KvCloud.Node.Cluster;

internal static partial class ClusterLog
{
    [LoggerMessage(1, LogLevel.Information, "node-{NodeId} is {Health}")]
    public static partial void BecameHealthy(this ILogger logger, int nodeId, string health);

    [LoggerMessage(2, LogLevel.Warning, "node-{NodeId} is {Health}: {Reason}")]
    public static partial void HealthDegraded(this ILogger logger, int nodeId, string health, string? reason);

    [LoggerMessage(3, LogLevel.Information, "node-{NodeId} leads, term {Term}")]
    public static partial void LeaderKnown(this ILogger logger, int nodeId, long term);

    [LoggerMessage(4, LogLevel.Warning, "no leader is known, term {Term}")]
    public static partial void LeaderLost(this ILogger logger, long term);

    [LoggerMessage(5, LogLevel.Critical,
        "STATE DIVERGED: at slot {Slot} this replica hashes to {OwnHash:x16}, node-{Peer} to {PeerHash:x16}. "
        + "One of them holds wrong data: compare with the others, stop the one that differs, and leave it stopped "
        + "while the others are a majority")]
    public static partial void StateDiverged(this ILogger logger, long slot, ulong ownHash, int peer, ulong peerHash);

    [LoggerMessage(6, LogLevel.Error, "the view of the cluster could not be renewed; trying again")]
    public static partial void RefreshFailed(this ILogger logger, Exception exception);

    [LoggerMessage(7, LogLevel.Warning, "a report of node-{NodeId}, which is not configured as a replica, was dropped")]
    public static partial void UnknownNodeReported(this ILogger logger, int nodeId);
}
