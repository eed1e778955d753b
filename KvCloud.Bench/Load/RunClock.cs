using System.Diagnostics;

namespace KvCloud.Bench.Load;

/// <summary>The start of a run, the end of its warm-up, and its end, in Stopwatch ticks.</summary>
internal sealed record RunClock(long StartTicks, long WindowTicks, long EndTicks)
{
    public static RunClock From(long startTicks, TimeSpan warmup, TimeSpan duration)
    {
        long window = startTicks + (long)(warmup.TotalSeconds * Stopwatch.Frequency);
        return new RunClock(startTicks, window, window + (long)(duration.TotalSeconds * Stopwatch.Frequency));
    }

    public static Task WaitUntilAsync(long ticks, CancellationToken cancellationToken)
    {
        TimeSpan left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), ticks);
        return left > TimeSpan.Zero ? Task.Delay(left, cancellationToken) : Task.CompletedTask;
    }
}
