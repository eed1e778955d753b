using System.Globalization;
using KvCloud.Consensus;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>
/// When a replica may rebuild its data, given the last reports of its peers. The restart at the end costs the group a
/// vote for a moment. Pure functions of their parameters.
/// </summary>
internal static class RebuildRules
{
    /// <param name="others">The other voters, as far as this replica knows.</param>
    /// <param name="heard">The recent reports of peers.</param>
    /// <param name="atLeast">
    /// What a source must have applied: this replica's log has every slot above that, and no lower one.
    /// </param>
    /// <param name="needsOnlySource">
    /// Whether one source suffices: an operator who has seen the group orders it, or this replica does not vote anyway.
    /// </param>
    /// <returns>The reason to wait; null if the rebuild may begin.</returns>
    public static string? FindObstacle(
        IReadOnlyCollection<NodeId> others,
        IReadOnlyCollection<PeerReport> heard,
        Slot atLeast,
        bool needsOnlySource)
    {
        if (!heard.Any(report => IsSource(report, atLeast)))
        {
            return $"no replica with sound data up to slot {atLeast} has reported within the last seconds";
        }

        if (needsOnlySource)
        {
            return null;
        }

        if (heard.FirstOrDefault(report => report.Data == DataState.Rebuilding) is PeerReport busy)
        {
            return $"{busy.From} is rebuilding its data";
        }

        int sound = heard.Count(report => report.Data == DataState.Sound && others.Contains(report.From));
        int needed = (others.Count / 2) + 1;
        return sound >= needed
            ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{sound} of the {others.Count} other voters have reported sound data within the last seconds, {needed}"
                + $" are needed");
    }

    /// <summary>The source to fetch from: peers with sound data in turn, followers before the leader.</summary>
    public static NodeId Choose(IReadOnlyCollection<PeerReport> heard, Slot atLeast, int turn)
    {
        List<PeerReport> sound =
        [
            .. heard.Where(report => IsSource(report, atLeast))
                .OrderBy(report => report.Role == Role.Leader)
                .ThenByDescending(report => report.AppliedSlot)
                .ThenBy(report => report.From),
        ];
        return sound[turn % sound.Count].From;
    }

    /// <summary>A snapshot of one that has applied less would leave a gap below this replica's log.</summary>
    private static bool IsSource(PeerReport report, Slot atLeast) =>
        report.Data == DataState.Sound && report.AppliedSlot >= atLeast;
}
