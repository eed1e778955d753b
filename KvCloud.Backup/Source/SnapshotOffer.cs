using KvCloud.Backup.Format;

namespace KvCloud.Backup.Source;

/// <summary>A snapshot that a replica has ready.</summary>
/// <param name="Id">By which its files are read.</param>
internal sealed record SnapshotOffer(
    long Id,
    string ClusterId,
    int NodeId,
    long Slot,
    long Version,
    long UnixMs,
    IReadOnlyList<ArchivedFile> Files);
