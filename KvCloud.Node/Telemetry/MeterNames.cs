namespace KvCloud.Node.Telemetry;

/// <summary>
/// Names of the node's meters and instruments, which docs/observability.md lists. Prometheus replaces dots with
/// underscores and appends the unit.
/// </summary>
internal static class MeterNames
{
    /// <summary>The meter of this node's replica and cluster metrics.</summary>
    public const string Node = "KvCloud.Node";

    public const string Role = "kvcloud.replica.role";
    public const string BallotRound = "kvcloud.replica.ballot_round";
    public const string AppliedSlot = "kvcloud.replica.applied_slot";
    public const string ChosenSlot = "kvcloud.replica.chosen_slot";
    public const string AppliedVersion = "kvcloud.replica.applied_version";
    public const string LagSlots = "kvcloud.replica.lag";
    public const string Leader = "kvcloud.replica.leader";
    public const string FeatureLevel = "kvcloud.replica.feature_level";
    public const string Uptime = "kvcloud.replica.uptime";
    public const string DiskFree = "kvcloud.disk.free";
    public const string DiskSpace = "kvcloud.disk.space";
    public const string DiskLogWrite = "kvcloud.disk.log_write";
    public const string DiskSlow = "kvcloud.disk.slow";
    public const string DataState = "kvcloud.data.state";
    public const string ScrubRead = "kvcloud.scrub.read";
    public const string ScrubProgress = "kvcloud.scrub.progress";
    public const string ScrubRounds = "kvcloud.scrub.rounds";
    public const string ScrubLastRound = "kvcloud.scrub.last_round";
    public const string ScrubUnchecked = "kvcloud.scrub.unchecked";
    public const string LeaderChanges = "kvcloud.replica.leader_changes";
    public const string ClusterNodes = "kvcloud.cluster.nodes";
    public const string ClusterDivergence = "kvcloud.cluster.divergence";
    public const string ClusterDiverged = "kvcloud.cluster.diverged";
    public const string PeerConnected = "kvcloud.peer.connected";
    public const string PeerWireVersion = "kvcloud.peer.wire_version";
    public const string PeerSent = "kvcloud.peer.sent";
    public const string PeerReceived = "kvcloud.peer.received";
    public const string PeerSentMessages = "kvcloud.peer.sent_messages";
    public const string PeerReceivedMessages = "kvcloud.peer.received_messages";
    public const string PeerReconnects = "kvcloud.peer.reconnects";
    public const string PeerDropped = "kvcloud.peer.dropped_messages";
}
