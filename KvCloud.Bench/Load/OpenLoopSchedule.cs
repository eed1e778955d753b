using System.Diagnostics;

namespace KvCloud.Bench.Load;

/// <summary>
/// When each call of an open loop should start: a fixed rate from a fixed moment, whatever the servers do meanwhile. A
/// call that starts late keeps its intended start, and its latency counts from there; else a stalled server would hide
/// its own stall (coordinated omission). One thread.
/// </summary>
/// <param name="startTicks">Stopwatch ticks of the first call of loop 0.</param>
/// <param name="ratePerSecond">Of all loops together.</param>
/// <param name="loop">Loops take turns: this one has calls loop, loop + loops, loop + 2 loops …</param>
/// <param name="loops">How many loops share the rate.</param>
internal sealed class OpenLoopSchedule(long startTicks, double ratePerSecond, int loop, int loops)
{
    private readonly double _intervalTicks = Stopwatch.Frequency / ratePerSecond;
    private long _taken;

    /// <summary>Stopwatch ticks at which the next call should start.</summary>
    public long NextTicks => TicksOf(_taken);

    /// <summary>Takes the next call if its time has come.</summary>
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

    // Counted from the start each time: adding up intervals would drift.
    private long TicksOf(long call) => startTicks + (long)(((call * loops) + loop) * _intervalTicks);
}
