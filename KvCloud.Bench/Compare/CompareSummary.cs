using KvCloud.Bench.Load;

namespace KvCloud.Bench.Compare;

/// <summary>Summarizes the rounds' results.</summary>
internal static class CompareSummary
{
    /// <summary>Summarizes a load; <paramref name="value"/> selects what is compared (a rate, or memory).</summary>
    public static CompareFigure Of(
        IReadOnlyList<LoadResult> kvcloud, IReadOnlyList<LoadResult> etcd, Func<LoadResult, double> value)
    {
        var ratios = kvcloud.Zip(etcd, (ours, theirs) => Ratio(value(ours), value(theirs))).OfType<double>().ToList();
        double? P50(IReadOnlyList<LoadResult> results) => Median(results.Select(result => result.Latency.P50Ms));
        double? P99(IReadOnlyList<LoadResult> results) => Median(results.Select(result => result.Latency.P99Ms));
        double? Cpu(IReadOnlyList<LoadResult> results) =>
            Median(results.Select(result => result.ServerCpuMicroseconds ?? 0));
        return new CompareFigure
        {
            Kvcloud = Rounded(Median(kvcloud.Select(value))),
            Etcd = Rounded(Median(etcd.Select(value))),
            Ratio = Rounded(Median(ratios)),
            RatioMin = Rounded(ratios.Count == 0 ? null : ratios.Min()),
            RatioMax = Rounded(ratios.Count == 0 ? null : ratios.Max()),
            P50Ratio = Rounded(Ratio(P50(kvcloud), P50(etcd))),
            P99Ratio = Rounded(Ratio(P99(kvcloud), P99(etcd))),
            CpuUsKvcloud = Rounded(Cpu(kvcloud)),
            CpuUsEtcd = Rounded(Cpu(etcd)),
            P50MsKvcloud = Rounded(P50(kvcloud)),
            P50MsEtcd = Rounded(P50(etcd)),
            P99MsKvcloud = Rounded(P99(kvcloud)),
            P99MsEtcd = Rounded(P99(etcd)),
        };
    }

    public static CompareFigure OfSeconds(IReadOnlyList<double> kvcloud, IReadOnlyList<double> etcd) => new()
    {
        Kvcloud = Rounded(Median(kvcloud)),
        Etcd = Rounded(Median(etcd)),
        Ratio = Rounded(Ratio(Median(kvcloud), Median(etcd))),
        WorstKvcloud = Rounded(kvcloud.Count == 0 ? null : kvcloud.Max()),
        WorstEtcd = Rounded(etcd.Count == 0 ? null : etcd.Max()),
    };

    /// <summary>The median; the mean of the middle two for an even count; null if there are no values.</summary>
    public static double? Median(IEnumerable<double> values)
    {
        double[] sorted = values.Order().ToArray();
        return sorted.Length switch
        {
            0 => null,
            var count when count % 2 == 1 => sorted[count / 2],
            var count => (sorted[(count / 2) - 1] + sorted[count / 2]) / 2,
        };
    }

    private static double? Ratio(double? ours, double? theirs) => theirs is > 0 ? ours / theirs : null;

    private static double? Rounded(double? value) => value is { } number ? Math.Round(number, 4) : null;
}
