namespace KvCloud.Node.Cluster;

internal static partial class ClusterLog
{
    [LoggerMessage(1501, LogLevel.Information, "node-{NodeId} is {Health}")]
    public static partial void BecameHealthy(this ILogger logger, int nodeId, string health);

    [LoggerMessage(1502, LogLevel.Warning, "node-{NodeId} is {Health}: {Reason}")]
    public static partial void HealthDegraded(this ILogger logger, int nodeId, string health, string? reason);

    [LoggerMessage(1503, LogLevel.Information, "node-{NodeId} leads, term {Term}")]
    public static partial void LeaderKnown(this ILogger logger, int nodeId, long term);

    [LoggerMessage(1504, LogLevel.Warning, "no leader is known, term {Term}")]
    public static partial void LeaderLost(this ILogger logger, long term);

    [LoggerMessage(1505, LogLevel.Critical,
        "STATE DIVERGED: at slot {Slot} this replica's state hash is {OwnHash:x16}, node-{Peer}'s is {PeerHash:x16}. "
        + "One of them has wrong data: compare both with the other replicas, stop the one that differs, and keep it "
        + "stopped as long as the others are a majority")]
    public static partial void StateDiverged(this ILogger logger, long slot, ulong ownHash, int peer, ulong peerHash);

    [LoggerMessage(1508, LogLevel.Critical,
        "STORED ROWS DIVERGED: what this replica has stored at slot {Slot} has hash {OwnHash:x16}, what node-{Peer} has"
        + " stored {PeerHash:x16}, although both did the same. Compare both with the other replicas, and make the data"
        + " of the one that differs anew: kv member rebuild")]
    public static partial void StoredRowsDiverged(
        this ILogger logger, long slot, ulong ownHash, int peer, ulong peerHash);

    [LoggerMessage(1506, LogLevel.Error, "could not refresh the view of the cluster; trying again")]
    public static partial void RefreshFailed(this ILogger logger, Exception exception);

    [LoggerMessage(1507, LogLevel.Warning, "dropped a report of node-{NodeId}, which is not a configured replica")]
    public static partial void UnknownNodeReported(this ILogger logger, int nodeId);

    [LoggerMessage(1509, LogLevel.Information, "the group's feature level is {Level}; it was {Before}")]
    public static partial void FeatureLevelRose(this ILogger logger, int before, int level);
}
