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

    public static HeatMapData Of(NodeHeat heat, HeatKind kind)
    {
        int step = Math.Max(1, (heat.Windows.Count + MaxColumns - 1) / MaxColumns);
        DateTimeOffset[][] columns = [.. heat.Windows.Chunk(step)];
        int labelStep = Math.Max(1, columns.Length / MaxLabels);
        (string Name, IReadOnlyList<long> Calls)[] rows =
        [
            .. heat.Ranges.Select(range => (
                Shorten(KeyText.Of(range)),
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

    private static string Shorten(string name) =>
        name.Length <= MaxNameLength ? name : string.Concat(name.AsSpan(0, MaxNameLength - 1), "…");
}
