using System.Globalization;
using KvCloud.Monitoring;
using KvCloud.WebConsole.Data;

namespace KvCloud.WebConsole.Monitoring;

/// <summary>A node's heat as rows of ranges and columns of time.</summary>
/// <param name="Labels">A time for some of the columns, else empty.</param>
/// <param name="Summary">The map in a sentence, for who cannot see it.</param>
public sealed record HeatMapData(
    IReadOnlyList<(string Name, IReadOnlyList<long> Calls)> Rows, string[] Labels, string Summary)
{
    /// <summary>More are not to be told apart.</summary>
    public const int MaxColumns = 30;

    /// <summary>What is longer of a range's name is cut off.</summary>
    public const int MaxNameLength = 24;

    private const int MaxLabels = 5;
    private const int MinSharedLength = 4;

    public static HeatMapData Of(NodeHeat heat, HeatKind kind)
    {
        int step = Math.Max(1, (heat.Windows.Count + MaxColumns - 1) / MaxColumns);
        DateTimeOffset[][] columns = [.. heat.Windows.Chunk(step)];
        int labelStep = Math.Max(1, columns.Length / MaxLabels);
        string[] names = Names(heat.Ranges);
        (string Name, IReadOnlyList<long> Calls)[] rows =
        [
            .. heat.Ranges.Select((range, index) => (
                names[index],
                (IReadOnlyList<long>)[.. CallsOf(range, kind).Chunk(step).Select(calls => calls.Sum())])),
        ];
        (string Name, IReadOnlyList<long> Calls)? hottest =
            rows.OrderByDescending(row => row.Calls.Sum()).Select(row => ((string, IReadOnlyList<long>)?)row)
                .FirstOrDefault();
        return new HeatMapData(
            rows,
            [
                .. columns.Select((windows, index) => index % labelStep == 0
                    ? windows[0].ToLocalTime().ToString("HH:mm:ss", CultureInfo.InvariantCulture)
                    : ""),
            ],
            hottest is ({ } name, { } calls)
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"calls by range of keys over time; most in {name}: {calls.Sum()}")
                : "no calls");
    }

    private static IEnumerable<long> CallsOf(NodeHeatRange range, HeatKind kind) => kind switch
    {
        HeatKind.Reads => range.Reads,
        HeatKind.Writes => range.Writes,
        _ => range.Reads.Zip(range.Writes, (reads, writes) => reads + writes),
    };

    /// <summary>
    /// Where names are too long, what all of them begin with is left out: it tells no range from another.
    /// </summary>
    private static string[] Names(IReadOnlyList<NodeHeatRange> ranges)
    {
        string[] names = [.. ranges.Select(KeyText.Of)];
        string shared = names.Length < 2 ? "" : names.Aggregate(CommonStart);
        return shared.Length >= MinSharedLength && names.Any(name => name.Length > MaxNameLength)
            ? [.. names.Select(name => Shorten(name.Replace(shared, "…", StringComparison.Ordinal)))]
            : [.. names.Select(Shorten)];
    }

    private static string CommonStart(string first, string second) =>
        first[..first.AsSpan().CommonPrefixLength(second)];

    private static string Shorten(string name) =>
        name.Length <= MaxNameLength ? name : string.Concat(name.AsSpan(0, MaxNameLength - 1), "…");
}
