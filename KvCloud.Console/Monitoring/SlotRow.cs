using KvCloud.Monitoring;
using KvCloud.WebConsole.Data;

namespace KvCloud.WebConsole.Monitoring;

/// <summary>One slot as the logs of all nodes have it.</summary>
/// <param name="Proposed">The ballot that first proposed it, of the newest ballot that any node accepted.</param>
/// <param name="What">What it does.</param>
public sealed record SlotRow(long Slot, string Proposed, string What, IReadOnlyDictionary<int, string> Nodes)
{
    /// <summary>What the node has there; a dash where its answer does not say.</summary>
    public string At(int node) => Nodes.GetValueOrDefault(node, "–");

    /// <summary>The newest slots of any log, newest first.</summary>
    public static IReadOnlyList<SlotRow> Newest(IReadOnlyDictionary<int, NodeLog> logs, int most) =>
    [
        .. logs.SelectMany(log => log.Value.Slots, (log, slot) => (Node: log.Key, Slot: slot))
            .GroupBy(one => one.Slot.Slot)
            .OrderByDescending(slot => slot.Key)
            .Take(most)
            .Select(RowOf),
    ];

    private static SlotRow RowOf(IGrouping<long, (int Node, LogSlot Slot)> slot)
    {
        LogSlot newest = slot.Select(one => one.Slot)
            .OrderByDescending(one => one.Accepted.Round)
            .ThenByDescending(one => one.Accepted.NodeId)
            .First();
        return new SlotRow(
            slot.Key,
            newest.Proposed.ToString(),
            KeyText.Of(newest),
            slot.ToDictionary(one => one.Node, one => $"{one.Slot.Accepted} {StageOf(one.Slot)}"));
    }

    private static string StageOf(LogSlot slot) => slot switch
    {
        { IsApplied: true } => "applied",
        { IsChosen: true } => "chosen",
        _ => "accepted",
    };
}
