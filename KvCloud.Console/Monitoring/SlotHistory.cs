using KvCloud.Monitoring;

namespace KvCloud.WebConsole.Monitoring;

/// <summary>
/// The newest slots that each node has told of. Nodes trim their logs soon, so an answer may hold only a few.
/// </summary>
public sealed class SlotHistory
{
    public const int MaxSlots = 20;

    private readonly Dictionary<int, NodeLog> _logs = [];

    public void Add(int node, NodeLog answer)
    {
        IEnumerable<LogSlot> before = _logs.TryGetValue(node, out NodeLog? known)
            ? known.Slots.ExceptBy(answer.Slots.Select(slot => slot.Slot), slot => slot.Slot)
            : [];

        // What is not in the log any more was chosen as it was; how far it is by now is known for all.
        _logs[node] = answer with
        {
            Slots =
            [
                .. before.Concat(answer.Slots).OrderBy(slot => slot.Slot).TakeLast(MaxSlots).Select(slot => slot with
                {
                    IsChosen = slot.Slot <= answer.ChosenSlot,
                    IsApplied = slot.Slot <= answer.AppliedSlot,
                }),
            ],
        };
    }

    /// <summary>Newest first.</summary>
    public IReadOnlyList<SlotRow> Rows() => SlotRow.Newest(_logs, MaxSlots);
}
