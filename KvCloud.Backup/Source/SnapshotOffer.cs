using KvCloud.Backup.Format;

namespace KvCloud.Backup.Source;

/// <summary>A snapshot that a replica serves.</summary>
/// <param name="Id">Identifies the snapshot in reads of its files.</param>
internal sealed record SnapshotOffer(
    long Id,
    string ClusterId,
    int NodeId,
    long Slot,
    long Version,
    long UnixMs,
    IReadOnlyList<ArchivedFile> Files);
