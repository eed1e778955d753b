using HdrHistogram;

namespace KvCloud.Cli.Load;

/// <summary>What the calls of `kv bench` that began after the warming up came to.</summary>
/// <param name="Reads">Their latencies in microseconds.</param>
/// <param name="Writes">Likewise.</param>
/// <param name="Failed">Calls that were refused or not answered in time.</param>
/// <param name="Unknown">Writes that may or may not have happened.</param>
internal sealed record BenchResult(
    HistogramBase Reads, HistogramBase Writes, TimeSpan Elapsed, long Failed, long Unknown, string? FirstError)
{
    private const double MicrosecondsPerMillisecond = 1_000;

    /// <summary>Below which its keys are.</summary>
    public required string Prefix { get; init; }

    /// <summary>How many of them were not deleted, or may not have been.</summary>
    public required int KeysLeft { get; init; }

    public IReadOnlyList<(string Name, object? Value)> Figures(BenchPlan plan) =>
    [
        ("clients", plan.Clients),
        ("keys", plan.Keys),
        ("value_bytes", plan.ValueBytes),
        ("seconds", Math.Round(Elapsed.TotalSeconds, 2)),
        ("calls", Reads.TotalCount + Writes.TotalCount),
        ("calls_per_second", PerSecond(Reads.TotalCount + Writes.TotalCount)),
        .. Of("read", Reads),
        .. Of("write", Writes),
        ("failed", Failed),
        ("outcome_unknown", Unknown),
        ("keys_left", KeysLeft),
    ];

    private IEnumerable<(string Name, object? Value)> Of(string kind, HistogramBase latencies)
    {
        if (latencies.TotalCount == 0)
        {
            yield break;
        }

        yield return ($"{kind}s_per_second", PerSecond(latencies.TotalCount));
        foreach ((string name, double percentile) in new[] { ("p50", 50), ("p90", 90), ("p99", 99), ("p99.9", 99.9) })
        {
            yield return ($"{kind}_{name}_ms", Milliseconds(latencies.GetValueAtPercentile(percentile)));
        }

        yield return ($"{kind}_max_ms", Milliseconds(latencies.GetMaxValue()));
    }

    private double PerSecond(long count) => Math.Round(count / Elapsed.TotalSeconds, 1);

    private static double Milliseconds(long microseconds) =>
        Math.Round(microseconds / MicrosecondsPerMillisecond, 3);
}
