using KvCloud.Backup.Format;

namespace KvCloud.Backup.Catalog;

/// <summary>A snapshot of the archive, and whether all of its files are there.</summary>
/// <param name="MissingFiles">Objects that are gone, or have another size than they must have.</param>
internal sealed record ArchivedSnapshot(
    string ObjectName, DateTimeOffset Modified, SnapshotManifest Manifest, IReadOnlyList<string> MissingFiles)
{
    public bool IsWhole => MissingFiles.Count == 0;
}
