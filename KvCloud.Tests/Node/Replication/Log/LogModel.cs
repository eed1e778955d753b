using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;

namespace KvCloud.Tests.Node.Replication.Log;

/// <summary>What a log holds, or should hold, at one moment.</summary>
internal sealed record LogModel(Ballot Promised, Slot Chosen, Slot First, SortedDictionary<long, LogEntry> Entries)
{
    public static readonly LogModel Empty = new(Ballot.Zero, Slot.Zero, new Slot(1), []);

    public Slot Last => Entries.Count == 0 ? new Slot(First.Value - 1) : new Slot(Entries.Last().Key);

    /// <summary>What the log says of itself.</summary>
    public static LogModel Of(SegmentedPaxosLog log)
    {
        IReadOnlyList<LogEntry> entries = log.Read(new Slot(1), new Slot(long.MaxValue), int.MaxValue);
        var model = new LogModel(
            log.Promised, log.ChosenSlot, log.FirstSlot, new(entries.ToDictionary(entry => entry.Slot.Value)));
        Assert.Equal(model.Last, log.LastSlot);
        return model;
    }

    public LogModel With(IEnumerable<Effects> writes)
    {
        LogModel model = this with { Entries = new(Entries) };
        foreach (Effects effects in writes)
        {
            model = model with
            {
                Promised = effects.Promised ?? model.Promised,
                Chosen = Slot.Max(model.Chosen, effects.ChosenSlot ?? Slot.Zero),
            };
            foreach (LogEntry entry in effects.Append)
            {
                model.Entries[entry.Slot.Value] = entry;
            }
        }

        return model;
    }

    public LogModel TrimmedBelow(Slot slot) => slot <= First
        ? this
        : this with { First = slot, Entries = new(Entries.Where(pair => pair.Key >= slot.Value).ToDictionary()) };

    public bool Equals(LogModel? other) =>
        other is not null
        && Promised == other.Promised
        && Chosen == other.Chosen
        && First == other.First
        && Entries.Count == other.Entries.Count
        && Entries.Zip(other.Entries).All(pair => IsSame(pair.First.Value, pair.Second.Value));

    public override int GetHashCode() => HashCode.Combine(Promised, Chosen, First, Entries.Count);

    public override string ToString() =>
        $"promise {Promised}, chosen {Chosen}, first {First}, entries "
        + string.Join(
            ' ', Entries.Values.Select(entry => $"{entry.Slot}:{entry.Accepted}:{entry.Value.Payload.Length}"));

    private static bool IsSame(LogEntry one, LogEntry other) =>
        one.Slot == other.Slot
        && one.Accepted == other.Accepted
        && one.Value.Origin == other.Value.Origin
        && one.Value.Kind == other.Value.Kind
        && one.Value.Payload.Span.SequenceEqual(other.Value.Payload.Span);
}
