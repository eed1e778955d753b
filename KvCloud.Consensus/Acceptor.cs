namespace KvCloud.Consensus;

/// <summary>
/// The memory of Paxos: the highest ballot promised, and for every slot not known to be chosen the value accepted at
/// the highest ballot. Whatever changes here goes into the effects of the same step, so that promise and entries reach
/// the disk in one write before anyone hears of them.
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

    /// <summary>Promises the ballot unless a higher one is promised already.</summary>
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
    /// Accepts one entry at the promised ballot. A value other than the one accepted at this ballot before would break
    /// Paxos at its root.
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
    /// Whether a follower may take one more entry. Once much is held without being chosen, only holes are filled; what
    /// is let pass unanswered comes again, or is caught up with.
    /// </summary>
    public bool HasRoomFor(Slot slot) => _heldBytes < _maxUnchosenBytes || slot.Value <= _highest;

    public LogEntry? Find(Slot slot) => _accepted.GetValueOrDefault(slot.Value);

    public IReadOnlyList<LogEntry> AcceptedAbove(Slot slot) =>
        [.. _accepted.Values.Where(entry => entry.Slot > slot)];

    /// <summary>The slot is chosen: the learner has its value, and no candidate will ask for it again.</summary>
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
