using KvCloud.Node.History;

namespace KvCloud.Node.Diagnostics;

/// <summary>The answer at /heat: about how often which keys were read and written at this node.</summary>
/// <param name="Sampling">One call in so many was counted, and counts for so many.</param>
/// <param name="WindowSeconds">How long each window is; the last one is not over yet.</param>
/// <param name="Windows">When each window began, oldest first.</param>
/// <param name="Ranges">In the order of column families and keys; each had about equally many calls.</param>
/// <param name="HotKeys">The keys that were called most, that one first.</param>
internal sealed record HeatAnswer(
    int NodeId,
    int Sampling,
    int WindowSeconds,
    IReadOnlyList<DateTimeOffset> Windows,
    IReadOnlyList<HeatRangeAnswer> Ranges,
    IReadOnlyList<HeatRangeAnswer> HotKeys)
{
    public static HeatAnswer Of(int nodeId, HeatReport report) => new(
        nodeId,
        KeyHeat.Sampling,
        KeyHeat.WindowSeconds,
        report.Starts,
        [.. report.Ranges.Select(Of)],
        [.. report.HotKeys.Select(Of)]);

    private static HeatRangeAnswer Of(HeatRange range) =>
        new(range.ColumnFamily, range.FirstKey, range.LastKey, range.Reads, range.Writes);
}

/// <summary>A range of keys.</summary>
/// <param name="FirstKey">The first key that was called in it, in base64, cut off after 64 bytes.</param>
/// <param name="LastKey">The last one.</param>
/// <param name="Reads">Reads by window.</param>
/// <param name="Writes">Writes by window.</param>
internal sealed record HeatRangeAnswer(
    string ColumnFamily, byte[] FirstKey, byte[] LastKey, IReadOnlyList<long> Reads, IReadOnlyList<long> Writes);
