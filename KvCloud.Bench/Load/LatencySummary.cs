using System.Diagnostics;
using HdrHistogram;

namespace KvCloud.Bench.Load;

/// <summary>Latencies in milliseconds and their count.</summary>
internal sealed record LatencySummary(
    long Count, double MeanMs, double P50Ms, double P90Ms, double P99Ms, double P999Ms, double MaxMs)
{
    /// <param name="histogram">In Stopwatch ticks.</param>
    public static LatencySummary Of(HistogramBase histogram)
    {
        if (histogram.TotalCount == 0)
        {
            return new LatencySummary(0, 0, 0, 0, 0, 0, 0);
        }

        return new LatencySummary(
            histogram.TotalCount,
            ToMs(histogram.GetMean()),
            ToMs(histogram.GetValueAtPercentile(50)),
            ToMs(histogram.GetValueAtPercentile(90)),
            ToMs(histogram.GetValueAtPercentile(99)),
            ToMs(histogram.GetValueAtPercentile(99.9)),
            ToMs(histogram.GetMaxValue()));
    }

    private static double ToMs(double ticks) => Math.Round(ticks * 1000.0 / Stopwatch.Frequency, 4);
}
