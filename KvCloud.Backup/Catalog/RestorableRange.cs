using System.Globalization;
using KvCloud.Backup.Format;

namespace KvCloud.Backup.Catalog;

/// <summary>
/// From a complete snapshot to the end of the log that continues it without a gap: every point in between can be
/// restored.
/// </summary>
internal sealed record RestorableRange(RestorablePoint From, RestorablePoint To)
{
    /// <summary>Every restorable range, ordered by slot. Between two of them the log has a gap.</summary>
    /// <param name="snapshots">Ordered by slot.</param>
    /// <param name="log">Ordered by name.</param>
    public static IReadOnlyList<RestorableRange> Of(
        IEnumerable<ArchivedSnapshot> snapshots, IReadOnlyList<LogSegmentName> log)
    {
        var ranges = new List<RestorableRange>();
        foreach (ArchivedSnapshot snapshot in snapshots.Where(snapshot => snapshot.IsWhole))
        {
            var point = new RestorablePoint(
                snapshot.Manifest.Slot, snapshot.Manifest.Version, snapshot.Manifest.UnixMs);
            if (ranges.Count == 0 || point.Slot > ranges[^1].To.Slot)
            {
                ranges.Add(new RestorableRange(point, EndOf(point, LogChain.After(log, point.Slot))));
            }
            else
            {
                // A snapshot inside a range shortens a restore of later points, and may know a version that the log
                // segments do not.
                RestorablePoint to = ranges[^1].To;
                ranges[^1] = ranges[^1] with
                {
                    To = to with { Version = Math.Max(to.Version, point.Version) },
                };
            }
        }

        return ranges;
    }

    /// <summary>Slots, versions and times, for messages.</summary>
    public string Describe() => string.Create(
        CultureInfo.InvariantCulture,
        $"slots {From.Slot}-{To.Slot}, versions {From.Version}-{To.Version}, times {Time(From)} to {Time(To)}");

    public static string Time(RestorablePoint point) => point.UnixMs == 0
        ? "-"
        : DateTimeOffset.FromUnixTimeMilliseconds(point.UnixMs)
            .ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    private static RestorablePoint EndOf(RestorablePoint from, IEnumerable<LogSegmentName> chain) => chain.Aggregate(
        from,
        (end, segment) => new RestorablePoint(
            segment.LastSlot, Math.Max(end.Version, segment.Version), Math.Max(end.UnixMs, segment.LastUnixMs)));
}
