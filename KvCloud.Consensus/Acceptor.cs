namespace KvCloud.Consensus;

/// <summary>
/// The acceptor's state: the highest ballot promised and, for every slot not known to be chosen, the value accepted at
/// the highest ballot. Every change is recorded in the effects of the same step, so that the promise and the entries
/// reach the disk in one write before any message reveals them.
/// </summary>
internal sealed class Acceptor
{
    private readonly SortedDictionary<long, LogEntry> _accepted = [];
    private readonly int _maxUnchosenBytes;
    private long _heldBytes;
    private long _highest;

    public Acceptor(RestoredState restored, int maxUnchosenBytes)
    {
        Promised = restored.Promised;
        _maxUnchosenBytes = maxUnchosenBytes;
        foreach (LogEntry entry in restored.Entries)
        {
            Invariant.Check(entry.Slot > restored.ChosenSlot, "a restored entry lies within what is chosen");
            Invariant.Check(entry.Accepted <= restored.Promised, "a restored entry was accepted above the promise");
            Hold(entry);
        }
    }

    public Ballot Promised { get; private set; }

    /// <summary>Promises the ballot unless a higher one has been promised.</summary>
    public bool TryPromise(Ballot ballot, Effects effects)
    {
        if (ballot < Promised)
        {
            return false;
        }

        if (ballot > Promised)
        {
            Promised = ballot;
            effects.Promised = ballot;
        }

        return true;
    }

    /// <summary>
    /// Accepts one entry at the promised ballot. A second, different value for the slot at the same ballot would break
    /// Paxos safety, so it breaks an invariant here.
    /// </summary>
    public void Accept(Slot slot, Value value, Effects effects)
    {
        if (_accepted.TryGetValue(slot.Value, out LogEntry? held))
        {
            Invariant.Check(held.Accepted <= Promised, "an entry was accepted above the promise");
            if (held.Accepted == Promised)
            {
                Invariant.Check(held.Value.IsSameAs(value), $"two values for slot {slot} at ballot {Promised}");
                return;
            }
        }

        var entry = new LogEntry(slot, Promised, value);
        Hold(entry);
        effects.Append.Add(entry);
    }

    /// <summary>
    /// Whether a follower may accept this entry. Once the unchosen entries reach their size limit, only holes are
    /// filled. The Accept of an entry that is dropped for this is resent, or its slot is fetched by catch-up.
    /// </summary>
    public bool HasRoomFor(Slot slot) => _heldBytes < _maxUnchosenBytes || slot.Value <= _highest;

    public LogEntry? Find(Slot slot) => _accepted.GetValueOrDefault(slot.Value);

    public IReadOnlyList<LogEntry> AcceptedAbove(Slot slot) =>
        [.. _accepted.Values.Where(entry => entry.Slot > slot)];

    /// <summary>Drops a chosen slot: the learner has its value, and no candidate will ask for it again.</summary>
    public void Forget(Slot slot)
    {
        if (_accepted.Remove(slot.Value, out LogEntry? entry))
        {
            _heldBytes -= entry.Value.Payload.Length;
        }
    }

    private void Hold(LogEntry entry)
    {
        if (_accepted.TryGetValue(entry.Slot.Value, out LogEntry? replaced))
        {
            _heldBytes -= replaced.Value.Payload.Length;
        }

        _accepted[entry.Slot.Value] = entry;
        _heldBytes += entry.Value.Payload.Length;
        _highest = Math.Max(_highest, entry.Slot.Value);
    }
}
