namespace KvCloud.Tests.Live.Soak;

/// <summary>Where a series of samples goes: its first and last third, and the line through all of it.</summary>
/// <param name="First">Mean of the first third.</param>
/// <param name="Last">Mean of the last third.</param>
/// <param name="SlopePerHour">Of the line with the least squares.</param>
/// <param name="Rise">What that line rises from the first sample to the last.</param>
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
        double meanHours = samples.Average(sample => sample.Time.TotalHours);
        double meanValue = samples.Average(sample => sample.Value);
        double spread = samples.Sum(sample => Math.Pow(sample.Time.TotalHours - meanHours, 2));
        double slope = samples.Sum(
            sample => (sample.Time.TotalHours - meanHours) * (sample.Value - meanValue)) / spread;
        return new Trend(
            samples.Take(third).Average(sample => sample.Value),
            samples.TakeLast(third).Average(sample => sample.Value),
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
}
