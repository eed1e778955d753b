using System.Diagnostics;
using KvCloud.Bench.Load;

namespace KvCloud.Tests.Bench;

public sealed class LatencyRecorderTests
{
    private static readonly long Second = Stopwatch.Frequency;

    [Fact]
    public void Summarize_of_known_latencies_has_their_percentiles()
    {
        var recorder = new LatencyRecorder(0, Second, openLoop: false);
        for (int i = 1; i <= 1000; i++)
        {
            recorder.Record(OperationKind.Set, 0, i * (Second / 1_000_000), CallStatus.Ok);
        }

        LatencySummary latency = recorder.Summarize();
        Assert.Equal(1000, latency.Count);
        Assert.Equal(0.5, latency.P50Ms, 0.002);
        Assert.Equal(0.99, latency.P99Ms, 0.002);
        Assert.Equal(1.0, latency.MaxMs, 0.002);
        Assert.Equal(0.5, latency.MeanMs, 0.002);
    }

    [Fact]
    public void Record_outside_the_window_counts_nothing()
    {
        var recorder = new LatencyRecorder(Second, 2 * Second, openLoop: false);
        recorder.Record(OperationKind.Set, 0, Second - 1, CallStatus.Ok);
        recorder.Record(OperationKind.Set, 0, 2 * Second, CallStatus.Ok);
        recorder.Record(OperationKind.Set, 0, Second, CallStatus.Ok);

        Assert.Equal(1, recorder.CountOf(CallStatus.Ok));
        Assert.Equal(1, recorder.Summarize().Count);
    }

    [Fact]
    public void Record_of_an_error_keeps_it_out_of_the_latencies()
    {
        var recorder = new LatencyRecorder(0, Second, openLoop: false);
        recorder.Record(OperationKind.Set, 0, 10, CallStatus.Overloaded, "queue full");
        recorder.Record(OperationKind.Set, 0, 20, CallStatus.NotLeader, "not me");

        Assert.Equal(1, recorder.CountOf(CallStatus.Overloaded));
        Assert.Equal(0, recorder.Summarize().Count);
        Assert.Equal("queue full", recorder.FirstError);
        Assert.Equal(0, recorder.PerSecond.Sum());
    }

    [Fact]
    public void RecordUnfinished_counts_the_time_waited_so_far()
    {
        var recorder = new LatencyRecorder(0, Second, openLoop: true);
        recorder.RecordUnfinished(OperationKind.Set, 0, 3 * Second);
        recorder.RecordUnfinished(OperationKind.Set, Second, 3 * Second);

        Assert.Equal(1, recorder.Unfinished);
        Assert.InRange(recorder.Summarize().MaxMs, 2999, 3003);
    }

    [Fact]
    public void Add_of_another_recorder_has_the_calls_of_both()
    {
        var first = new LatencyRecorder(0, 2 * Second, openLoop: false);
        var other = new LatencyRecorder(0, 2 * Second, openLoop: false);
        first.Record(OperationKind.Set, 0, Second / 2, CallStatus.Ok);
        other.Record(OperationKind.GetLocal, Second, 3 * Second / 2, CallStatus.NotFound);
        first.Add(other);

        Assert.Equal([1L, 1L], first.PerSecond);
        Assert.Equal(["get_local", "set"], first.SummarizeKinds().Keys.Order());
    }
}
