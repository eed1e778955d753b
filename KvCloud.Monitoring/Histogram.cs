namespace KvCloud.Monitoring;

/// <summary>Cumulative counts by upper bound, in seconds, as Prometheus exposes a histogram.</summary>
public sealed record Histogram(IReadOnlyList<double> UpperBounds, IReadOnlyList<double> CumulativeCounts)
{
    public static readonly Histogram Empty = new([], []);

    public double Count => CumulativeCounts.Count == 0 ? 0 : CumulativeCounts[^1];

    /// <summary>What was recorded since an earlier reading; all of it when the node started anew in between.</summary>
    public Histogram Since(Histogram earlier)
    {
        if (!earlier.UpperBounds.SequenceEqual(UpperBounds) || earlier.Count > Count)
        {
            return this;
        }

        return this with
        {
            CumulativeCounts = [.. CumulativeCounts.Zip(earlier.CumulativeCounts, (now, then) => now - then)],
        };
    }

    public static Histogram Sum(IEnumerable<Histogram> all)
    {
        Histogram? sum = null;
        foreach (Histogram one in all.Where(one => one.UpperBounds.Count > 0))
        {
            sum = sum is null || !sum.UpperBounds.SequenceEqual(one.UpperBounds)
                ? one
                : sum with { CumulativeCounts = [.. sum.CumulativeCounts.Zip(one.CumulativeCounts, (a, b) => a + b)] };
        }

        return sum ?? Empty;
    }

    /// <summary>
    /// The value below which this share of the records lies, interpolated within its bucket as PromQL's
    /// histogram_quantile does; null when nothing was recorded. Above the last finite bound it is that bound.
    /// </summary>
    public double? Quantile(double share)
    {
        if (Count <= 0)
        {
            return null;
        }

        double rank = share * Count;
        for (int i = 0; i < UpperBounds.Count; i++)
        {
            if (CumulativeCounts[i] < rank)
            {
                continue;
            }

            double lower = i == 0 ? 0 : UpperBounds[i - 1];
            if (double.IsPositiveInfinity(UpperBounds[i]))
            {
                return lower;
            }

            double below = i == 0 ? 0 : CumulativeCounts[i - 1];
            double inBucket = CumulativeCounts[i] - below;
            return inBucket <= 0 ? lower : lower + ((UpperBounds[i] - lower) * (rank - below) / inBucket);
        }

        return UpperBounds[^1];
    }
}
