namespace KvCloud.Bench.Clusters;

/// <summary>Where the servers' data lies: a real disk, or fsync would be measured as free.</summary>
internal static class DataDisk
{
    private static readonly string[] InMemory = ["tmpfs", "ramfs", "devtmpfs", "overlay-tmpfs"];

    public static DirectoryInfo NewDirectory(string root, string name)
    {
        string path = Path.Combine(
            Path.GetFullPath(root), $"kvcloud-bench-{name}-{Environment.ProcessId}-{Path.GetRandomFileName()}");
        return Directory.CreateDirectory(path);
    }

    /// <summary>The file system's kind; refuses one that lives in memory.</summary>
    public static string DemandRealDisk(string root)
    {
        Directory.CreateDirectory(root);
        string full = Path.GetFullPath(root);
        DriveInfo drive = DriveInfo.GetDrives()
            .Where(drive => IsBelow(full, drive.RootDirectory.FullName))
            .OrderByDescending(drive => drive.RootDirectory.FullName.Length)
            .First();
        return InMemory.Contains(drive.DriveFormat)
            ? throw new BenchException(
                $"{full} lies on {drive.DriveFormat}, where fsync costs nothing; name a disk with --data-dir")
            : drive.DriveFormat;
    }

    private static bool IsBelow(string path, string root) =>
        path == root || path.StartsWith(root.TrimEnd('/') + "/", StringComparison.Ordinal);
}
