using KvCloud.Consensus;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>How far the fetching of a snapshot has got. Immutable.</summary>
/// <param name="From">Who sends it.</param>
/// <param name="Slot">Which state it holds; null as long as nobody has told.</param>
/// <param name="DoneBytes">Of the files that are here whole, or come just now.</param>
/// <param name="Waits">Why it does not go on for the moment; null if it does.</param>
internal sealed record SnapshotProgress(
    NodeId From, Slot? Slot, long DoneBytes, long TotalBytes, string? Waits = null);
