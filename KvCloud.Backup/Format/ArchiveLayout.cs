using System.Globalization;

namespace KvCloud.Backup.Format;

/// <summary>The names of the objects in an archive; docs/backup.md has them as a table.</summary>
internal static class ArchiveLayout
{
    /// <summary>Marks an archive and names its cluster.</summary>
    public const string Marker = "kvcloud-backup.json";

    /// <summary>Files of snapshots, named by their content, so that snapshots share equal files.</summary>
    public const string Files = "files/";

    public const string Snapshots = "snapshots/";

    public const string Log = "log/";

    /// <summary>The current users of the archive.</summary>
    public const string Leases = "leases/";

    /// <summary>Size limit of manifests, leases and the marker; a larger one is damaged.</summary>
    public const int MaxJsonBytes = 64 * 1024 * 1024;

    public static string FileOf(string hash, long sizeBytes) =>
        string.Create(CultureInfo.InvariantCulture, $"{Files}{hash}-{sizeBytes}");

    /// <summary>Names sort by slot.</summary>
    public static string SnapshotOf(SnapshotManifest manifest, string hash) => string.Create(
        CultureInfo.InvariantCulture, $"{Snapshots}{manifest.Slot:D20}-node{manifest.NodeId}-{hash}.json");
}
