using System.Diagnostics;
using System.Runtime.InteropServices;

namespace KvCloud.Node.Replication;

/// <summary>
/// The monotonic time of one replica in consensus ticks of 10 ms, from the start of the process. On Linux it advances
/// while the machine is suspended: a leader that sleeps through its lease must not believe on waking that it still
/// holds it.
/// </summary>
/// <remarks>
/// On other systems it is .NET's Stopwatch, which counts suspension on Windows but not on macOS, where a lease is
/// therefore not safe across a suspension.
/// </remarks>
internal sealed partial class ReplicaClock(TimeProvider time) : IReplicaClock
{
    public const int TickMs = 10;

    private const int BootTime = 7;
    private const long NanosecondsPerSecond = 1_000_000_000;

    private static readonly bool HasBootTime = OperatingSystem.IsLinux() && GetTime(BootTime, out _) == 0;
    private static readonly long TimestampsPerTick =
        (HasBootTime ? NanosecondsPerSecond : Stopwatch.Frequency) * TickMs / 1000;
    private readonly long _start = GetTimestamp();

    /// <inheritdoc/>
    public long NowTick => (GetTimestamp() - _start) / TimestampsPerTick;

    /// <summary>The clock itself, in its own units.</summary>
    public static long GetTimestamp()
    {
        if (!HasBootTime)
        {
            return Stopwatch.GetTimestamp();
        }

        // The call succeeded at start, and none of its arguments could make it fail later.
        _ = GetTime(BootTime, out TimeValue now);
        return (now.Seconds * NanosecondsPerSecond) + now.Nanoseconds;
    }

    /// <inheritdoc/>
    public long Timestamp => GetTimestamp();

    /// <inheritdoc/>
    public long NowMs => Environment.TickCount64;

    /// <inheritdoc/>
    public long SinceBootMs => GetTimestamp() / (TimestampsPerTick / TickMs);

    /// <inheritdoc/>
    public long NowUs => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000);

    /// <inheritdoc/>
    public long UnixMs => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <inheritdoc/>
    public long TimestampOf(long tick) => _start + (tick * TimestampsPerTick);

    /// <summary>The number of ticks that lasts at least this long.</summary>
    public static int TicksFor(int milliseconds) => Math.Max(1, (milliseconds + TickMs - 1) / TickMs);

    /// <summary>Served by the vDSO without a system call, so it costs tens of nanoseconds.</summary>
    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    [SuppressGCTransition]
    private static partial int GetTime(int clock, out TimeValue time);

    /// <summary>The timespec of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct TimeValue
    {
        public readonly nint Seconds;
        public readonly nint Nanoseconds;
    }
}
