using System.Globalization;

namespace KvCloud.Cli.Doctor;

/// <summary>Whether each member reads its log and data again in time, to find damage while others are sound.</summary>
internal static class ScrubRules
{
    /// <summary>The default of [scrub] interval_hours, where a node does not tell its own.</summary>
    private const double UsualIntervalHours = 24;

    /// <summary>A round begins an interval after the one before, and may take as long.</summary>
    private const int MostIntervals = 2;

    public static IEnumerable<Finding> Rounds(ClusterFacts facts)
    {
        foreach (NodeFacts node in facts.Nodes)
        {
            if (Setting(node, "scrub.interval_hours") == 0 || Setting(node, "scrub.max_bytes_per_second") == 0)
            {
                yield return new Finding(
                    Severity.Info,
                    "scrub-off",
                    Finding.Node(node.Id),
                    "it does not read its log and data again, so damage is found by whoever reads that row, when the"
                    + " other copies may be gone too",
                    "set [scrub] interval_hours and max_bytes_per_second above 0, unless this is meant",
                    Pages.Damage);
            }
            else if (Late(node, facts.At) is { } late)
            {
                yield return late;
            }
        }
    }

    private static Finding? Late(NodeFacts node, DateTimeOffset now)
    {
        // Damaged data are not scrubbed before they are made anew, and that is a finding of its own.
        if (node.Metric("kvcloud_data_state") is not 0 || node.Metric("kvcloud_replica_uptime_seconds") is not { } up)
        {
            return null;
        }

        var interval = TimeSpan.FromHours(Setting(node, "scrub.interval_hours") ?? UsualIntervalHours);
        double? ended = node.Metric("kvcloud_scrub_last_round_seconds");
        TimeSpan since = ended is { } seconds
            ? now - DateTimeOffset.UnixEpoch.AddSeconds(seconds)
            : TimeSpan.FromSeconds(up);
        if (since <= MostIntervals * interval)
        {
            return null;
        }

        return new Finding(
            Severity.Warning,
            "scrub-late",
            Finding.Node(node.Id),
            ended is null
                ? $"it has read all its log and data not once in the {Hours(since)} since its start"
                : $"it last ended reading all its log and data {Hours(since)} ago; [scrub] interval_hours is"
                    + $" {interval.TotalHours.ToString("0", CultureInfo.InvariantCulture)}",
            $"{Progress(node)}. With much data raise [scrub] max_bytes_per_second"
            + (Setting(node, "scrub.max_bytes_per_second") is { } rate
                ? $" ({rate.ToString("0", CultureInfo.InvariantCulture)} now)"
                : "")
            + "; else its log says why a round failed (kv tail --logs)",
            Pages.ScrubLate);
    }

    private static string Progress(NodeFacts node) => node.Metric("kvcloud_scrub_progress") is > 0 and { } share
        ? $"a round is under way, {(100 * share).ToString("0", CultureInfo.InvariantCulture)} % done"
        : "no round is under way";

    private static string Hours(TimeSpan time) =>
        $"{time.TotalHours.ToString("0", CultureInfo.InvariantCulture)} hours";

    private static double? Setting(NodeFacts node, string name) =>
        node.Settings?.GetValueOrDefault(name) is { } text
        && double.TryParse(
            text.Replace("_", "", StringComparison.Ordinal), CultureInfo.InvariantCulture, out double value)
            ? value
            : null;
}
