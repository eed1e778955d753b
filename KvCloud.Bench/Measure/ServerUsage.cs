using System.Globalization;
using System.Runtime.InteropServices;

namespace KvCloud.Bench.Measure;

/// <summary>Total CPU time, memory and bytes written of a set of processes at one moment.</summary>
internal sealed record ServerUsage(double CpuSeconds, long ResidentBytes, long WrittenBytes)
{
    private const int ClockTicksPerSecondName = 2;
    private static readonly double TicksPerSecond = ReadTicksPerSecond();

    public static ServerUsage Read(IReadOnlyList<int> pids)
    {
        double cpu = 0.0;
        long resident = 0;
        long written = 0;
        foreach (int pid in pids)
        {
            try
            {
                cpu += ProcFile.ParseCpuTicks(File.ReadAllText($"/proc/{pid}/stat")) / TicksPerSecond;
                resident += ProcFile.ParseNumber(File.ReadAllText($"/proc/{pid}/status"), "VmRSS") * 1024;
                written += ProcFile.ParseNumber(File.ReadAllText($"/proc/{pid}/io"), "write_bytes");
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or FormatException)
            {
                throw new BenchException(
                    $"process {pid} cannot be measured (has it ended?): {failure.Message}", failure);
            }
        }

        return new ServerUsage(cpu, resident, written);
    }

    /// <summary>The distinct processes that listen on the ports of <paramref name="endpoints"/>.</summary>
    public static IReadOnlyList<int> FindListeners(IEnumerable<string> endpoints)
    {
        string tables = File.ReadAllText("/proc/net/tcp") + "\n" + File.ReadAllText("/proc/net/tcp6");
        var wanted = new HashSet<string>();
        foreach (string endpoint in endpoints)
        {
            int port = int.Parse(endpoint[(endpoint.LastIndexOf(':') + 1)..], CultureInfo.InvariantCulture);
            if (ProcFile.ParseListeningInode(tables, port) is { } inode)
            {
                wanted.Add($"socket:[{inode}]");
            }
        }

        return [.. Directory.EnumerateDirectories("/proc")
            .Select(path => int.TryParse(Path.GetFileName(path), out int pid) ? pid : 0)
            .Where(pid => pid > 0 && Holds(pid, wanted))
            .Order()];
    }

    private static bool Holds(int pid, HashSet<string> sockets)
    {
        try
        {
            return Directory.EnumerateFiles($"/proc/{pid}/fd")
                .Any(path => new FileInfo(path).LinkTarget is { } target && sockets.Contains(target));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The process belongs to another user or has just ended.
            return false;
        }
    }

    private static double ReadTicksPerSecond()
    {
        const double Usual = 100;
        return OperatingSystem.IsLinux() && SystemConfiguration(ClockTicksPerSecondName) is var ticks and > 0
            ? ticks
            : Usual;
    }

    [DllImport("libc", EntryPoint = "sysconf")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern long SystemConfiguration(int name);
}
