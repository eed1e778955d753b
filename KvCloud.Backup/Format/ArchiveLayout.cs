using System.Globalization;

namespace KvCloud.Backup.Format;

/// <summary>The names of an archive's objects; docs/backup.md has them as a table.</summary>
internal static class ArchiveLayout
{
    /// <summary>Says that this is an archive, and of which cluster.</summary>
    public const string Marker = "kvcloud-backup.json";

    /// <summary>Files of snapshots by what they hold, so that one that several snapshots have is there once.</summary>
    public const string Files = "files/";

    public const string Snapshots = "snapshots/";

    public const string Log = "log/";

    /// <summary>Who uses the archive now.</summary>
    public const string Leases = "leases/";

    /// <summary>Manifests, leases and the marker: a larger one is damaged.</summary>
    public const int MaxJsonBytes = 64 * 1024 * 1024;

    public static string FileOf(string hash, long sizeBytes) =>
        string.Create(CultureInfo.InvariantCulture, $"{Files}{hash}-{sizeBytes}");

    /// <summary>Names sort as slots do.</summary>
    public static string SnapshotOf(SnapshotManifest manifest, string hash) => string.Create(
        CultureInfo.InvariantCulture, $"{Snapshots}{manifest.Slot:D20}-node{manifest.NodeId}-{hash}.json");
}
