namespace KvCloud.Tests.Live.Soak;

/// <summary>
/// The trend of a series of samples: its first and last third, and the slope over all of it. All are medians, because a
/// few outliers during a fault say nothing about growth.
/// </summary>
/// <param name="First">Median of the first third.</param>
/// <param name="Last">Median of the last third.</param>
/// <param name="SlopePerHour">Median of the slopes between any two samples (Theil–Sen estimator).</param>
/// <param name="Rise">The rise of a line of that slope from the first sample to the last.</param>
internal sealed record Trend(double First, double Last, double SlopePerHour, double Rise)
{
    private const int FewestSamples = 6;

    /// <summary>Null if there are too few samples.</summary>
    public static Trend? Of(IReadOnlyList<(TimeSpan Time, double Value)> samples)
    {
        if (samples.Count < FewestSamples)
        {
            return null;
        }

        int third = samples.Count / 3;
        double slope = Median(
            from first in Enumerable.Range(0, samples.Count)
            from second in Enumerable.Range(first + 1, samples.Count - first - 1)
            let hours = (samples[second].Time - samples[first].Time).TotalHours
            where hours > 0
            select (samples[second].Value - samples[first].Value) / hours);
        return new Trend(
            Median(samples.Take(third).Select(sample => sample.Value)),
            Median(samples.TakeLast(third).Select(sample => sample.Value)),
            slope,
            slope * (samples[^1].Time - samples[0].Time).TotalHours);
    }

    /// <summary>
    /// Whether the rise exceeds both the share of the initial value and the given amount, and the last third confirms
    /// at least half of it.
    /// </summary>
    public bool Rises(double share, double least)
    {
        double allowed = Math.Max(First * share, least);
        return Rise > allowed && Last - First > allowed / 2;
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? 0 : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
