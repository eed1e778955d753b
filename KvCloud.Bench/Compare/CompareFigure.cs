namespace KvCloud.Bench.Compare;

/// <summary>
/// One line of the comparison, with medians over the rounds. Ratios are KvCloud's figure divided by etcd's: above 1 is
/// better for a rate, below 1 for latency, memory or time. Property names are those of the JSON.
/// </summary>
internal sealed record CompareFigure
{
    public double? Kvcloud { get; init; }

    public double? Etcd { get; init; }

    public double? Ratio { get; init; }

    /// <summary>The lowest ratio of any round; the highest is in RatioMax.</summary>
    public double? RatioMin { get; init; }

    public double? RatioMax { get; init; }

    public double? P50Ratio { get; init; }

    public double? P99Ratio { get; init; }

    public double? CpuUsKvcloud { get; init; }

    public double? CpuUsEtcd { get; init; }

    public double? P50MsKvcloud { get; init; }

    public double? P50MsEtcd { get; init; }

    public double? P99MsKvcloud { get; init; }

    public double? P99MsEtcd { get; init; }

    /// <summary>The worst value (failover only).</summary>
    public double? WorstKvcloud { get; init; }

    public double? WorstEtcd { get; init; }
}
