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
    /// <param name="needsOnlySource">
    /// Whether one source suffices: an operator who has seen the group orders it, or this replica does not vote anyway.
    /// </param>
    /// <returns>The reason to wait; null if the rebuild may begin.</returns>
    public static string? FindObstacle(
        IReadOnlyCollection<NodeId> others, IReadOnlyCollection<PeerReport> heard, bool needsOnlySource)
    {
        if (!heard.Any(report => report.Data == DataState.Sound))
        {
            return "no replica with sound data has reported within the last seconds";
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
