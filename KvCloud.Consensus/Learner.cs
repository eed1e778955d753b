namespace KvCloud.Consensus;

/// <summary>
/// Tracks which slots are chosen. <see cref="ChosenSlot"/> only grows and leaves no holes; each slot is handed out
/// once, in order.
/// </summary>
/// <remarks>
/// A change of members governs as soon as it is known here, but is handed out only once the log has durably recorded
/// that it is chosen. So a data store never has a change of members that its log does not know to be chosen. The slots
/// up to a change must never be proposed in again; if a crash of all replicas lost that knowledge from every log, no
/// leader could make progress.
/// </remarks>
internal sealed class Learner(Slot chosenSlot, Acceptor acceptor, GroupMembers members)
{
    private readonly SortedDictionary<long, Value> _chosenAhead = [];
    private readonly Queue<ChosenEntry> _heldBack = [];
    private Slot _syncedChosen = chosenSlot;

    /// <summary>Every slot up to here is chosen and known.</summary>
    public Slot ChosenSlot { get; private set; } = chosenSlot;

    /// <summary>
    /// A leader or a promise has reported all slots up to here as chosen. Those above ChosenSlot are still to be
    /// learned.
    /// </summary>
    public Slot KnownChosen { get; private set; } = Slot.Max(chosenSlot, members.Slot);

    /// <summary>The members that govern the slots above ChosenSlot.</summary>
    public GroupMembers Members { get; private set; } = members;

    /// <summary>As <see cref="ChosenSlot"/>, but below a change of members that is not yet durably known.</summary>
    public Slot SettledChosen => _heldBack.TryPeek(out ChosenEntry held) ? held.Slot.Previous : ChosenSlot;

    public bool IsBehind => KnownChosen > ChosenSlot;

    /// <summary>A quorum has accepted the value at one ballot.</summary>
    public void MarkChosen(Slot slot, Value value, Effects effects)
    {
        if (slot <= ChosenSlot)
        {
            return;
        }

        if (_chosenAhead.TryGetValue(slot.Value, out Value? before))
        {
            Invariant.Check(before.IsSameAs(value), $"two values chosen for slot {slot}");
            return;
        }

        _chosenAhead.Add(slot.Value, value);
        Advance(effects);
    }

    /// <summary>Records a trusted report that every slot up to this one is chosen.</summary>
    public void NoteChosen(Slot upTo) => KnownChosen = Slot.Max(KnownChosen, upTo);

    /// <summary>
    /// The leader of the ballot reports that everything up to the slot is chosen. That holds for entries which this
    /// node accepted at the same ballot; an entry of another ballot may hold a value that was not chosen.
    /// </summary>
    public void FollowLeader(Ballot ballot, Slot upTo, Effects effects)
    {
        NoteChosen(upTo);
        for (Slot slot = ChosenSlot.Next; slot <= upTo; slot = slot.Next)
        {
            if (!_chosenAhead.ContainsKey(slot.Value))
            {
                if (acceptor.Find(slot) is not LogEntry entry || entry.Accepted != ballot)
                {
                    break;
                }

                _chosenAhead.Add(slot.Value, entry.Value);
            }
        }

        Advance(effects);
    }

    /// <summary>
    /// Learns chosen entries from a peer's log; entries that do not continue the sequence are ignored.
    /// </summary>
    /// <returns>Whether anything was learned.</returns>
    public bool LearnFromPeer(IReadOnlyList<LogEntry> entries, Effects effects)
    {
        bool learned = false;
        foreach (LogEntry entry in entries)
        {
            if (entry.Slot != ChosenSlot.Next)
            {
                continue;
            }

            LogEntry? own = acceptor.Find(entry.Slot);
            if (own is null || !own.Value.IsSameAs(entry.Value))
            {
                // The value is chosen, so reporting it at the higher of the two ballots cannot mislead a candidate:
                // every value accepted at or above the ballot that chose it is this same value.
                Ballot ballot = own is null ? entry.Accepted : Ballot.Max(own.Accepted, entry.Accepted);
                effects.Append.Add(entry with { Accepted = ballot });
            }

            if (_chosenAhead.TryGetValue(entry.Slot.Value, out Value? before))
            {
                Invariant.Check(before.IsSameAs(entry.Value), $"two values chosen for slot {entry.Slot}");
            }
            else
            {
                _chosenAhead.Add(entry.Slot.Value, entry.Value);
            }

            Advance(effects);
            learned = true;
        }

        return learned;
    }

    /// <summary>The log has durably recorded that everything up to the slot is chosen.</summary>
    public void NoteSynced(Slot chosen, Effects effects)
    {
        _syncedChosen = Slot.Max(_syncedChosen, chosen);
        while (_heldBack.TryPeek(out ChosenEntry entry) && MayHandOut(entry))
        {
            effects.Chosen.Add(_heldBack.Dequeue());
        }
    }

    private bool MayHandOut(in ChosenEntry entry) =>
        entry.Value.Kind != ValueKind.Membership || entry.Slot <= _syncedChosen;

    private void HandOut(in ChosenEntry entry, Effects effects)
    {
        if (entry.Value.Kind == ValueKind.Membership)
        {
            effects.SyncsChosen |= !MayHandOut(entry);
            if (entry.Slot > Members.Slot)
            {
                Members = GroupMembers.Decode(entry.Slot, entry.Value.Payload.Span);
            }
        }

        if (_heldBack.Count == 0 && MayHandOut(entry))
        {
            effects.Chosen.Add(entry);
        }
        else
        {
            _heldBack.Enqueue(entry);
        }
    }

    private void Advance(Effects effects)
    {
        Slot before = ChosenSlot;
        while (_chosenAhead.Remove(ChosenSlot.Next.Value, out Value? value))
        {
            ChosenSlot = ChosenSlot.Next;
            acceptor.Forget(ChosenSlot);
            HandOut(new ChosenEntry(ChosenSlot, value), effects);
        }

        if (ChosenSlot > before)
        {
            effects.ChosenSlot = ChosenSlot;
            NoteChosen(ChosenSlot);
        }
    }
}
