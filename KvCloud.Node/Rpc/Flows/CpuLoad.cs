using System.Diagnostics;
using System.Globalization;

namespace KvCloud.Node.Rpc.Flows;

/// <summary>Whether threads can be expected to wait for a core.</summary>
internal interface ICpuLoad
{
    /// <summary>Whether the cores were busy since it was asked the last time. One thread asks.</summary>
    bool IsBusy();
}

/// <summary>
/// Tells it by the time in which the machine's cores were idle, and by what this process took of the cores that it may
/// use: a container may be at its limit while its machine is idle.
/// </summary>
internal sealed class CpuLoad : ICpuLoad
{
    private const double BusyShare = 0.5;
    private const string StatFile = "/proc/stat";
    private const int IdleField = 4;
    private const int WaitingForDisksField = 5;
    private const int Fields = 8;

    private long _asked = Stopwatch.GetTimestamp();
    private TimeSpan _used = Environment.CpuUsage.TotalTime;
    private (long Idle, long Total) _machine = ReadMachine();

    public bool IsBusy()
    {
        long now = Stopwatch.GetTimestamp();
        TimeSpan used = Environment.CpuUsage.TotalTime;
        (long Idle, long Total) machine = ReadMachine();
        TimeSpan elapsed = Stopwatch.GetElapsedTime(_asked, now);
        long total = machine.Total - _machine.Total;
        bool isBusy = used - _used >= elapsed * (BusyShare * Environment.ProcessorCount)
            || total <= 0
            || machine.Idle - _machine.Idle <= (1 - BusyShare) * total;
        (_asked, _used, _machine) = (now, used, machine);
        return isBusy;
    }

    /// <summary>
    /// Ticks of all cores since the machine's start, of the first line of /proc/stat; 0 where it says something else.
    /// </summary>
    public static (long Idle, long Total) Parse(string? line)
    {
        // cpu user nice system idle iowait irq softirq steal ...: what follows is part of the first two.
        string[] fields = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        if (fields.Length <= Fields || fields[0] != "cpu")
        {
            return (0, 0);
        }

        long[] ticks = new long[Fields + 1];
        for (int field = 1; field <= Fields; field++)
        {
            if (!long.TryParse(fields[field], NumberStyles.None, CultureInfo.InvariantCulture, out ticks[field]))
            {
                return (0, 0);
            }
        }

        return (ticks[IdleField] + ticks[WaitingForDisksField], ticks.Sum());
    }

    /// <summary>0 where the system does not tell, or not everybody: busy is assumed there.</summary>
    private static (long Idle, long Total) ReadMachine()
    {
        try
        {
            return Parse(File.ReadLines(StatFile).FirstOrDefault());
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return (0, 0);
        }
    }
}
