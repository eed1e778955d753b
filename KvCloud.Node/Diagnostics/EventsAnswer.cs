using KvCloud.Node.History;

namespace KvCloud.Node.Diagnostics;

/// <summary>The answer at /events.</summary>
/// <param name="Next">What to ask for next: /events?after=Next.</param>
/// <param name="Dropped">How many more there were, which this replica no longer has.</param>
internal sealed record EventsAnswer(int NodeId, long Next, long Dropped, IReadOnlyList<EventAnswer> Events)
{
    public static EventsAnswer Of(int nodeId, in HistoryPage<NodeEvent> page) => new(
        nodeId,
        page.Next,
        page.Dropped,
        [
            .. page.Items.Select(one => new EventAnswer(
                one.Sequence, one.Time, one.Type, one.Severity, one.NodeId, one.Term, one.Slot, one.Message)),
        ]);
}

/// <summary>One event; what does not belong to its type is left out.</summary>
internal sealed record EventAnswer(
    long Sequence,
    DateTimeOffset Time,
    string Type,
    string Severity,
    int? NodeId,
    long? Term,
    long? Slot,
    string Message);
