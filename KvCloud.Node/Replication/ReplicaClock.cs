using System.Diagnostics;

namespace KvCloud.Node.Replication;

/// <summary>Monotonic time of one replica as the ticks of its consensus: 10 ms each, from the start of the process.</summary>
internal sealed class ReplicaClock
{
    public const int TickMs = 10;

    private static readonly long TimestampsPerTick = Stopwatch.Frequency * TickMs / 1000;
    private readonly long _start = Stopwatch.GetTimestamp();

    /// <summary>Whole ticks that have passed; what happens now is counted from the tick's beginning.</summary>
    public long NowTick => (Stopwatch.GetTimestamp() - _start) / TimestampsPerTick;

    /// <summary>The Stopwatch timestamp at which the tick begins.</summary>
    public long TimestampOf(long tick) => _start + (tick * TimestampsPerTick);

    /// <summary>Ticks that last at least this long.</summary>
    public static int TicksFor(int milliseconds) => Math.Max(1, (milliseconds + TickMs - 1) / TickMs);
}
