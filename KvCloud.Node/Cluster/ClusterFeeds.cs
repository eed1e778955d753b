using KvCloud.Consensus;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Scrubbing;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Cluster;

/// <summary>The cluster manager's inputs from the rest of the node, and its output to the peers.</summary>
/// <param name="Status">The latest status that the driver published.</param>
/// <param name="Links">Links to all peers; empty in a group of one.</param>
/// <param name="Report">Sends a report to all peers; lossy.</param>
/// <param name="IdentityOf">What a peer announced in its last handshake; null if there was none.</param>
/// <param name="NotMet">
/// The voters this replica has not met yet and must meet before it takes part; empty from then on.
/// </param>
/// <param name="Snapshot">The snapshot that is fetched; null when none is.</param>
internal sealed record ClusterFeeds(
    Func<ReplicaStatus> Status,
    Func<IReadOnlyList<PeerLink>> Links,
    Action<PeerReport> Report,
    Func<NodeId, PeerIdentity?> IdentityOf,
    Func<IReadOnlyList<int>> NotMet)
{
    /// <summary>The state of this replica's disk.</summary>
    public Func<DiskFigures> Disk { get; init; } = () => DiskFigures.Unknown;

    /// <summary>Why the data store answers nothing; null while it is sound.</summary>
    public Func<string?> DataTrouble { get; init; } = () => null;

    /// <summary>How far the scrub has got; null where it is switched off.</summary>
    public Func<ScrubProgress?> Scrub { get; init; } = () => null;

    /// <summary>What this replica's program can do.</summary>
    public PeerRelease Release { get; init; } = PeerRelease.Plain;

    /// <summary>The snapshot that is being fetched; null for none.</summary>
    public Func<SnapshotProgress?> Snapshot { get; init; } = () => null;

    /// <summary>How this replica comes back whose disk was lost; null if none was.</summary>
    public Func<string?> Replacement { get; init; } = () => null;
}
