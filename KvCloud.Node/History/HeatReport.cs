namespace KvCloud.Node.History;

/// <summary>What <see cref="KeyHeat"/> has sampled, as ranges of keys with about equally many calls each.</summary>
/// <param name="Starts">When each window began.</param>
/// <param name="Ranges">In the order of column families and keys.</param>
/// <param name="HotKeys">The keys that were called most, each as a range of itself.</param>
internal sealed record HeatReport(
    IReadOnlyList<DateTimeOffset> Starts, IReadOnlyList<HeatRange> Ranges, IReadOnlyList<HeatRange> HotKeys)
{
    public const int MaxHotKeys = 10;

    public static HeatReport Of(IReadOnlyList<HeatWindow> windows, int maxRanges)
    {
        (HeatSample Sample, int Window)[] samples =
        [
            .. windows
                .SelectMany((window, index) => window.Samples.Select(sample => (Sample: sample, Window: index)))
                .OrderBy(one => one.Sample),
        ];
        List<ArraySegment<(HeatSample Sample, int Window)>> ofKeys = Split(samples, int.MaxValue);
        return new HeatReport(
            [.. windows.Select(window => window.Start)],
            [.. Split(samples, maxRanges).Select(range => RangeOf(range, windows))],
            [
                .. ofKeys.OrderByDescending(key => key.Sum(one => windows[one.Window].Weight))
                    .Take(MaxHotKeys)
                    .Select(key => RangeOf(key, windows)),
            ]);
    }

    /// <summary>
    /// Cuts the samples, which are in order, into at most so many pieces of about the same number: only between two
    /// keys, and always between two column families, which may make some more of them.
    /// </summary>
    private static List<ArraySegment<(HeatSample Sample, int Window)>> Split(
        (HeatSample Sample, int Window)[] samples, int most)
    {
        var pieces = new List<ArraySegment<(HeatSample Sample, int Window)>>();
        long least = Math.Max(1, ((long)samples.Length + most - 1) / most);
        int begin = 0;
        for (int index = 1; index <= samples.Length; index++)
        {
            bool isEnd = index == samples.Length
                || samples[index].Sample.ColumnFamily != samples[begin].Sample.ColumnFamily
                || (index - begin >= least && samples[index].Sample.CompareTo(samples[index - 1].Sample) != 0);
            if (isEnd && samples.Length > 0)
            {
                pieces.Add(new ArraySegment<(HeatSample Sample, int Window)>(samples, begin, index - begin));
                begin = index;
            }
        }

        return pieces;
    }

    private static HeatRange RangeOf(
        ArraySegment<(HeatSample Sample, int Window)> range, IReadOnlyList<HeatWindow> windows)
    {
        double[] reads = new double[windows.Count];
        double[] writes = new double[windows.Count];
        foreach ((HeatSample sample, int window) in range)
        {
            (sample.IsWrite ? writes : reads)[window] += KeyHeat.Sampling * windows[window].Weight;
        }

        return new HeatRange(
            range[0].Sample.ColumnFamily, range[0].Sample.Key, range[^1].Sample.Key, Round(reads), Round(writes));
    }

    private static long[] Round(double[] counts) => [.. counts.Select(count => (long)Math.Round(count))];
}
