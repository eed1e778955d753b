namespace KvCloud.Consensus;

/// <summary>
/// One ballot of this node, from Prepare to the last slot it proposes. Phase 1 runs once for all open slots; phase 2 is
/// pipelined. Each ballot is a new object, so nothing counted for one can be counted for another.
/// </summary>
/// <remarks>
/// Proposes in a slot only once the members that govern it are known, and with promises of a quorum of them. It
/// therefore stops after each change of members until that is chosen, and then asks the new members for promises.
/// </remarks>
internal sealed class Proposer(Ballot ballot, Membership members, PaxosConfig config)
{
    private static readonly Slot NotYet = new(long.MaxValue);

    private readonly HashSet<NodeId> _promised = [];
    private readonly SortedDictionary<long, LogEntry> _reported = [];
    private readonly SortedDictionary<long, InFlight> _inFlight = [];
    private readonly List<LogEntry> _unsent = [];
    private Membership _members = members;
    private long _inFlightBytes;
    private uint _promisedBy;

    /// <summary>The last change of members that was proposed, or that lies below what was chosen elsewhere.</summary>
    private Slot _lastChange;

    public Ballot Ballot { get; } = ballot;

    /// <summary>Phase 1 is complete: values may be proposed.</summary>
    public bool IsLeading { get; private set; }

    /// <summary>
    /// The first slot that this term proposes in; lower slots were chosen before and are fetched by catch-up.
    /// </summary>
    public Slot FirstSlot { get; private set; }

    /// <summary>The next slot to propose in.</summary>
    public Slot NextSlot { get; private set; }

    /// <summary>
    /// The slot of the no-op that opened this term. Until it is chosen, this node may not know everything chosen
    /// before. Higher than every slot until that no-op is proposed.
    /// </summary>
    public Slot OpeningSlot { get; private set; } = NotYet;

    /// <summary>The highest chosen slot that a promise has reported.</summary>
    public Slot ChosenElsewhere { get; private set; }

    /// <summary>The node that reported <see cref="ChosenElsewhere"/>.</summary>
    public NodeId LearnedFrom { get; private set; } = members.Self;

    public int InFlightSlots => _inFlight.Count;

    /// <summary>
    /// A quorum of the members has promised, this node included if it has a vote: its acceptor may hold a value that it
    /// proposed in an earlier term and nobody else has, and its own promise may arrive after those of others.
    /// </summary>
    public bool HasPromises => _members.IsQuorum(_promisedBy)
        && (!_members.IsVoter(_members.Self) || _members.Contains(_promisedBy, _members.Self));

    /// <summary>The members of the next slot are known, and a quorum of them has promised.</summary>
    public bool MayPropose =>
        IsLeading && HasPromises && _members.Slot >= _lastChange && _members.IsVoter(_members.Self);

    /// <summary>Every value that may have been chosen before is proposed again, and the no-op after it.</summary>
    public bool HasAdopted => OpeningSlot != NotYet && _reported.Count == 0;

    public bool HasRoomFor(int bytes) =>
        _inFlight.Count < config.MaxInFlightSlots
        && (_inFlight.Count == 0 || _inFlightBytes + bytes <= config.MaxInFlightBytes);

    /// <summary>
    /// Counts a promise of this ballot. True when it completed the quorum; later promises are ignored.
    /// </summary>
    public bool CountPromise(Promise promise)
    {
        Invariant.Check(promise.Ballot == Ballot, "a promise counted for another ballot");
        if (HasPromises || !_members.IsVoter(promise.From))
        {
            return false;
        }

        _promised.Add(promise.From);
        _promisedBy = _members.Add(_promisedBy, promise.From);
        _lastChange = Slot.Max(_lastChange, promise.MembersSlot);
        var chosen = Slot.Max(promise.ChosenSlot, promise.MembersSlot);
        if (chosen > ChosenElsewhere)
        {
            ChosenElsewhere = chosen;
            LearnedFrom = promise.From;
        }

        foreach (LogEntry entry in promise.Entries)
        {
            if (entry.Slot >= NextSlot)
            {
                NoteReported(entry);
            }
        }

        return HasPromises;
    }

    /// <summary>Whether the node's promise has arrived.</summary>
    public bool HasPromised(NodeId node) => _promised.Contains(node);

    /// <summary>
    /// Completes phase 1. Every slot that a promise reports and that is not known to be chosen is proposed again with
    /// the value of the highest ballot; holes get no-ops, and a no-op of this ballot comes last (Lamport, "The
    /// Part-Time Parliament", 3.1). Slots up to the highest chosen slot reported are fetched by catch-up instead, and
    /// so are those up to the last change of members.
    /// </summary>
    public void Lead(Slot chosenSlot)
    {
        IsLeading = true;
        NextSlot = Slot.Max(chosenSlot, _members.Slot).Next;
        SkipChosen();
        FirstSlot = NextSlot;
    }

    /// <summary>The next value to propose before any of this node's own, if one may be proposed now.</summary>
    public bool TryAdopt(out Value value)
    {
        value = null!;
        if (!MayPropose || HasAdopted)
        {
            return false;
        }

        SkipChosen();
        if (_reported.Count > 0)
        {
            value = _reported.Remove(NextSlot.Value, out LogEntry? entry) ? entry.Value : Value.NoOp(Ballot);
            return true;
        }

        if (OpeningSlot != NotYet)
        {
            return false;
        }

        OpeningSlot = NextSlot;
        value = Value.NoOp(Ballot);
        return true;
    }

    /// <summary>
    /// Counts by these members from now on. Nothing is in flight: nothing is proposed after a change of members.
    /// </summary>
    public void Reconfigure(Membership members)
    {
        _members = members;
        _promisedBy = 0;
        foreach (NodeId node in _promised)
        {
            _promisedBy = members.Add(_promisedBy, node);
        }

        Invariant.Check(
            NextSlot <= members.Slot.Next || _inFlight.Keys.All(slot => slot <= members.Slot.Value),
            $"a slot above {members.Slot} was proposed before its members were known");
        _inFlight.Clear();
        _inFlightBytes = 0;
    }

    /// <summary>Assigns the value to the next slot.</summary>
    public Slot Propose(Value value, long now)
    {
        Invariant.Check(MayPropose, "proposed without promises of the slot's members");
        Slot slot = NextSlot;
        NextSlot = slot.Next;
        _inFlight.Add(slot.Value, new InFlight(value, now));
        _inFlightBytes += value.Payload.Length;
        _unsent.Add(new LogEntry(slot, Ballot, value));
        if (value.Kind == ValueKind.Membership)
        {
            _lastChange = slot;
        }

        return slot;
    }

    /// <summary>The values proposed since the last call, to be sent to each peer as one Accept.</summary>
    public IReadOnlyList<LogEntry> TakeUnsent()
    {
        if (_unsent.Count == 0)
        {
            return [];
        }

        LogEntry[] entries = [.. _unsent];
        _unsent.Clear();
        return entries;
    }

    /// <summary>
    /// Counts an acceptor's vote for one slot at this ballot; returns the value when this vote made it chosen.
    /// </summary>
    public Value? CountAccepted(NodeId from, Slot slot)
    {
        if (!_inFlight.TryGetValue(slot.Value, out InFlight? inFlight))
        {
            return null;
        }

        inFlight.AcceptedBy = _members.Add(inFlight.AcceptedBy, from);
        if (!_members.IsQuorum(inFlight.AcceptedBy))
        {
            return null;
        }

        _inFlight.Remove(slot.Value);
        _inFlightBytes -= inFlight.Value.Payload.Length;
        return inFlight.Value;
    }

    /// <summary>
    /// Entries in flight that <paramref name="node"/> has not answered in time. The wait doubles with each resend: more
    /// of the same does not help a slow disk.
    /// </summary>
    public IReadOnlyList<LogEntry> Overdue(NodeId node, long now) =>
        [.. _inFlight
            .Where(pair => pair.Value.IsOverdue(now, config.ResendTicks)
                && !_members.Contains(pair.Value.AcceptedBy, node))
            .Select(pair => new LogEntry(new Slot(pair.Key), Ballot, pair.Value.Value))];

    /// <summary>Records that the overdue entries were resent.</summary>
    public void NoteResent(long now)
    {
        foreach (InFlight inFlight in _inFlight.Values)
        {
            if (inFlight.IsOverdue(now, config.ResendTicks))
            {
                inFlight.Resent(now);
            }
        }
    }

    private void NoteReported(LogEntry entry)
    {
        if (!_reported.TryGetValue(entry.Slot.Value, out LogEntry? best) || entry.Accepted > best.Accepted)
        {
            _reported[entry.Slot.Value] = entry;
        }
        else
        {
            Invariant.Check(
                entry.Accepted != best.Accepted || entry.Value.IsSameAs(best.Value),
                $"two values accepted for slot {entry.Slot} at ballot {entry.Accepted}");
        }
    }

    /// <summary>Skips slots that promises report as chosen.</summary>
    private void SkipChosen()
    {
        if (ChosenElsewhere >= NextSlot)
        {
            NextSlot = ChosenElsewhere.Next;
            FirstSlot = NextSlot;
        }

        while (_reported.Count > 0 && _reported.Keys.First() < NextSlot.Value)
        {
            _reported.Remove(_reported.Keys.First());
        }
    }

    private sealed class InFlight(Value value, long sentTick)
    {
        private const int MaxDoublings = 3;
        private long _sentTick = sentTick;
        private int _resent;

        public Value Value { get; } = value;

        public uint AcceptedBy { get; set; }

        public bool IsOverdue(long now, int resendTicks) =>
            now - _sentTick >= (long)resendTicks << Math.Min(_resent, MaxDoublings);

        public void Resent(long now)
        {
            _sentTick = now;
            _resent++;
        }
    }
}
