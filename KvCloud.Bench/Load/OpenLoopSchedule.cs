using System.Diagnostics;

namespace KvCloud.Bench.Load;

/// <summary>
/// The start times of an open loop's calls: a fixed rate from a fixed time, independent of the servers. A call that
/// starts late keeps its intended start, from which its latency counts; otherwise a stalled server would hide its own
/// stall (coordinated omission). Not thread-safe.
/// </summary>
/// <param name="startTicks">Stopwatch ticks of the first call of loop 0.</param>
/// <param name="ratePerSecond">Total rate of all loops.</param>
/// <param name="loop">Loops take turns: this one has calls loop, loop + loops, loop + 2 loops …</param>
/// <param name="loops">Number of loops that share the rate.</param>
internal sealed class OpenLoopSchedule(long startTicks, double ratePerSecond, int loop, int loops)
{
    private readonly double _intervalTicks = Stopwatch.Frequency / ratePerSecond;
    private long _taken;

    /// <summary>Stopwatch ticks at which the next call should start.</summary>
    public long NextTicks => TicksOf(_taken);

    /// <summary>Takes the next call if it is due.</summary>
    public bool TryTake(long nowTicks, out long intendedTicks)
    {
        intendedTicks = NextTicks;
        if (intendedTicks > nowTicks)
        {
            return false;
        }

        _taken++;
        return true;
    }

    // Computed from the start each time, because summing intervals would drift.
    private long TicksOf(long call) => startTicks + (long)(((call * loops) + loop) * _intervalTicks);
}
