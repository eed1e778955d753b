using System.Diagnostics;
using KvCloud.Bench.Load;

namespace KvCloud.Tests.Bench;

public sealed class OpenLoopScheduleTests
{
    private const long Start = 1_000_000;
    private static readonly long Millisecond = Stopwatch.Frequency / 1000;

    [Fact]
    public void TryTake_before_its_time_takes_nothing()
    {
        var schedule = new OpenLoopSchedule(Start, 1000, 0, 1);

        Assert.True(schedule.TryTake(Start, out long first));
        Assert.Equal(Start, first);
        Assert.False(schedule.TryTake(Start + Millisecond - 1, out _));
        Assert.True(schedule.TryTake(Start + Millisecond, out long second));
        Assert.Equal(Start + Millisecond, second);
    }

    [Fact]
    public void TryTake_after_a_stall_keeps_the_intended_starts()
    {
        var schedule = new OpenLoopSchedule(Start, 1000, 0, 1);
        long late = Start + (10 * Millisecond);
        var taken = new List<long>();
        while (schedule.TryTake(late, out long intended))
        {
            taken.Add(intended);
        }

        Assert.Equal(Enumerable.Range(0, 11).Select(i => Start + (i * Millisecond)), taken);
    }

    [Fact]
    public void TryTake_with_several_loops_shares_one_rate()
    {
        var loops = Enumerable.Range(0, 3).Select(loop => new OpenLoopSchedule(Start, 3000, loop, 3)).ToList();
        var taken = new List<long>();
        foreach (OpenLoopSchedule? loop in loops)
        {
            while (loop.TryTake(Start + (9 * Millisecond), out long intended))
            {
                taken.Add(intended);
            }
        }

        taken.Sort();
        Assert.Equal(28, taken.Count);
        Assert.All(taken.Zip(taken.Skip(1)), pair => Assert.InRange(pair.Second - pair.First, 1, Millisecond));
    }

    [Fact]
    public void Record_of_a_stalled_server_shows_the_stall_in_an_open_loop()
    {
        // 1,000 calls a second for 2 s; the server answers at once, but nothing at all from 0.5 s to 1.5 s.
        long second = Stopwatch.Frequency;
        var recorder = new LatencyRecorder(Start, Start + (2 * second), openLoop: true);
        var schedule = new OpenLoopSchedule(Start, 1000, 0, 1);
        while (schedule.NextTicks < Start + (2 * second) && schedule.TryTake(long.MaxValue, out long intended))
        {
            bool stalled = intended >= Start + (second / 2) && intended < Start + (3 * second / 2);
            recorder.Record(OperationKind.Set, intended, stalled ? Start + (3 * second / 2) : intended, CallStatus.Ok);
        }

        LatencySummary latency = recorder.Summarize();
        Assert.Equal(2000, latency.Count);
        Assert.InRange(latency.P90Ms, 790, 810);
        Assert.InRange(latency.MaxMs, 999, 1002);
    }
}
