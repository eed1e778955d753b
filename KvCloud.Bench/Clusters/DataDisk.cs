namespace KvCloud.Bench.Clusters;

/// <summary>Checks that the servers' data is on a real disk; otherwise fsync would cost nothing.</summary>
internal static class DataDisk
{
    private static readonly string[] InMemory = ["tmpfs", "ramfs", "devtmpfs", "overlay-tmpfs"];

    public static DirectoryInfo NewDirectory(string root, string name)
    {
        string path = Path.Combine(
            Path.GetFullPath(root), $"kvcloud-bench-{name}-{Environment.ProcessId}-{Path.GetRandomFileName()}");
        return Directory.CreateDirectory(path);
    }

    /// <summary>Returns the file system type; throws if it is in memory.</summary>
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
                $"{full} is on {drive.DriveFormat}, where fsync costs nothing; choose a disk with --data-dir")
            : drive.DriveFormat;
    }

    private static bool IsBelow(string path, string root) =>
        path == root || path.StartsWith(root.TrimEnd('/') + "/", StringComparison.Ordinal);
}
