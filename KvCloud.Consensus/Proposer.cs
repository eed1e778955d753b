namespace KvCloud.Consensus;

/// <summary>
/// One ballot of this node, from Prepare to the last slot it proposes. Phase 1 runs once for all open slots; phase 2 is
/// pipelined. Each ballot is a new object, so nothing counted for one can be counted for another.
/// </summary>
internal sealed class Proposer(Ballot ballot, Membership members, PaxosConfig config)
{
    private readonly Dictionary<NodeId, Promise> _promises = [];
    private readonly SortedDictionary<long, InFlight> _inFlight = [];
    private readonly List<LogEntry> _unsent = [];
    private long _inFlightBytes;
    private uint _promisedBy;

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
    /// before.
    /// </summary>
    public Slot OpeningSlot { get; private set; }

    public int InFlightSlots => _inFlight.Count;

    public bool HasRoomFor(int bytes) =>
        _inFlight.Count < config.MaxInFlightSlots
        && (_inFlight.Count == 0 || _inFlightBytes + bytes <= config.MaxInFlightBytes);

    /// <summary>Counts a promise of this ballot. True when it completed the quorum.</summary>
    public bool CountPromise(Promise promise)
    {
        Invariant.Check(promise.Ballot == Ballot, "a promise counted for another ballot");
        if (IsLeading || !members.IsVoter(promise.From))
        {
            return false;
        }

        _promises[promise.From] = promise;
        _promisedBy = members.Add(_promisedBy, promise.From);
        return members.IsQuorum(_promisedBy);
    }

    /// <summary>Whether the node's promise has arrived.</summary>
    public bool HasPromised(NodeId node) => members.Contains(_promisedBy, node);

    /// <summary>
    /// Completes phase 1. Every slot that a promise reports and that is not known to be chosen is proposed again with
    /// the value of the highest ballot; holes get no-ops, and a no-op of this ballot comes last (Lamport, "The
    /// Part-Time Parliament", 3.1). Slots up to the highest chosen slot reported are fetched by catch-up instead.
    /// </summary>
    /// <returns>The values to propose, in slot order from NextSlot on.</returns>
    public IReadOnlyList<Value> Lead(Slot chosenSlot, out Slot chosenElsewhere, out NodeId learnedFrom)
    {
        chosenElsewhere = chosenSlot;
        learnedFrom = members.Self;
        foreach (NodeId voter in members.Voters)
        {
            if (_promises.TryGetValue(voter, out Promise? promise) && promise.ChosenSlot > chosenElsewhere)
            {
                chosenElsewhere = promise.ChosenSlot;
                learnedFrom = voter;
            }
        }

        SortedDictionary<long, LogEntry> adopted = HighestAcceptedAbove(chosenElsewhere);
        long last = adopted.Count == 0 ? chosenElsewhere.Value : adopted.Keys.Last();
        var values = new List<Value>();
        for (long slot = chosenElsewhere.Value + 1; slot <= last; slot++)
        {
            values.Add(adopted.TryGetValue(slot, out LogEntry? entry) ? entry.Value : Value.NoOp(Ballot));
        }

        values.Add(Value.NoOp(Ballot));
        FirstSlot = chosenElsewhere.Next;
        NextSlot = FirstSlot;
        OpeningSlot = new Slot(last + 1);
        IsLeading = true;
        _promises.Clear();
        return values;
    }

    /// <summary>Assigns the value to the next slot.</summary>
    public Slot Propose(Value value, long now)
    {
        Invariant.Check(IsLeading, "proposed before phase 1 was done");
        Slot slot = NextSlot;
        NextSlot = slot.Next;
        _inFlight.Add(slot.Value, new InFlight(value, now));
        _inFlightBytes += value.Payload.Length;
        _unsent.Add(new LogEntry(slot, Ballot, value));
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

        inFlight.AcceptedBy = members.Add(inFlight.AcceptedBy, from);
        if (!members.IsQuorum(inFlight.AcceptedBy))
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
            .Where(
                pair => pair.Value.IsOverdue(now, config.ResendTicks) && !members.Contains(pair.Value.AcceptedBy, node))
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

    private SortedDictionary<long, LogEntry> HighestAcceptedAbove(Slot chosen)
    {
        var highest = new SortedDictionary<long, LogEntry>();
        foreach (NodeId voter in members.Voters)
        {
            if (!_promises.TryGetValue(voter, out Promise? promise))
            {
                continue;
            }

            foreach (LogEntry entry in promise.Entries)
            {
                if (entry.Slot <= chosen)
                {
                    continue;
                }

                if (!highest.TryGetValue(entry.Slot.Value, out LogEntry? best) || entry.Accepted > best.Accepted)
                {
                    highest[entry.Slot.Value] = entry;
                }
                else
                {
                    Invariant.Check(
                        entry.Accepted != best.Accepted || entry.Value.IsSameAs(best.Value),
                        $"two values accepted for slot {entry.Slot} at ballot {entry.Accepted}");
                }
            }
        }

        return highest;
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
