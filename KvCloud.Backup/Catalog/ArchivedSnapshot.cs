using KvCloud.Backup.Format;

namespace KvCloud.Backup.Catalog;

/// <summary>A snapshot in the archive, and whether the archive has all of its files.</summary>
/// <param name="MissingFiles">Objects that the manifest names and that are missing or have the wrong size.</param>
internal sealed record ArchivedSnapshot(
    string ObjectName, DateTimeOffset Modified, SnapshotManifest Manifest, IReadOnlyList<string> MissingFiles)
{
    public bool IsWhole => MissingFiles.Count == 0;
}
