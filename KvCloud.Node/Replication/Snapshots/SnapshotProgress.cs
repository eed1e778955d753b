using KvCloud.Consensus;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>Progress of fetching a snapshot. Immutable.</summary>
/// <param name="From">The source.</param>
/// <param name="Slot">The slot of the snapshot; null until the manifest has arrived.</param>
/// <param name="DoneBytes">Bytes of complete files and of the one that is being received.</param>
/// <param name="Waits">Why the fetching is interrupted; null while it is not.</param>
internal sealed record SnapshotProgress(
    NodeId From, Slot? Slot, long DoneBytes, long TotalBytes, string? Waits = null);
