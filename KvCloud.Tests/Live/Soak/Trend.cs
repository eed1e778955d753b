namespace KvCloud.Tests.Live.Soak;

/// <summary>
/// Where a series of samples goes: its first and last third, and the line through all of it. All are medians, because a
/// few samples of a moment of trouble are far above all others and say nothing about growth.
/// </summary>
/// <param name="First">Median of the first third.</param>
/// <param name="Last">Median of the last third.</param>
/// <param name="SlopePerHour">Median of the slopes between any two samples (Theil and Sen).</param>
/// <param name="Rise">What a line of that slope rises from the first sample to the last.</param>
internal sealed record Trend(double First, double Last, double SlopePerHour, double Rise)
{
    private const int FewestSamples = 6;

    /// <summary>Null for too few samples to say anything.</summary>
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
    /// Whether it rises by more than a share of where it began and more than so much, both as a line and by thirds.
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
