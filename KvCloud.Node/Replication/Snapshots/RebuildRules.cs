using System.Globalization;
using KvCloud.Consensus;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>
/// When a replica may make its data anew, by what its peers last reported. Its restart at the end takes a vote from the
/// group for a moment. Pure functions of their parameters.
/// </summary>
internal static class RebuildRules
{
    /// <param name="others">The other members that vote, as far as this replica knows.</param>
    /// <param name="heard">What was reported lately, by whom.</param>
    /// <param name="needsOnlySource">
    /// An operator wants it, who has seen the group, or this replica does not vote anyway.
    /// </param>
    /// <returns>Why not now; null if it may.</returns>
    public static string? FindObstacle(
        IReadOnlyCollection<NodeId> others, IReadOnlyCollection<PeerReport> heard, bool needsOnlySource)
    {
        if (!heard.Any(report => report.Data == DataState.Sound))
        {
            return "no other replica with sound data has reported lately";
        }

        if (needsOnlySource)
        {
            return null;
        }

        if (heard.FirstOrDefault(report => report.Data == DataState.Rebuilding) is PeerReport busy)
        {
            return $"{busy.From} is making its data anew";
        }

        int sound = heard.Count(report => report.Data == DataState.Sound && others.Contains(report.From));
        int needed = (others.Count / 2) + 1;
        return sound >= needed
            ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{sound} of the {others.Count} other voters have sound data and have reported lately, {needed} are"
                + $" needed");
    }

    /// <summary>Whom to ask: those with sound data in turn, followers before the leader.</summary>
    public static NodeId Choose(IReadOnlyCollection<PeerReport> heard, int turn)
    {
        List<PeerReport> sound =
        [
            .. heard.Where(report => report.Data == DataState.Sound)
                .OrderBy(report => report.Role == Role.Leader)
                .ThenByDescending(report => report.AppliedSlot)
                .ThenBy(report => report.From),
        ];
        return sound[turn % sound.Count].From;
    }
}
