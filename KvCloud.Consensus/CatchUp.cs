namespace KvCloud.Consensus;

/// <summary>
/// Fetches chosen entries that this node missed, with one request outstanding at a time: from the preferred node first,
/// which is mostly the leader, then from the other members in turn. Also serves the requests of other nodes.
/// </summary>
internal sealed class CatchUp(Membership members, PaxosConfig config, Learner learner, StepContext step)
{
    /// <summary>
    /// How long a small gap may stay before it is fetched: the missing Accept is often only a moment late.
    /// </summary>
    private const int SmallGapTicks = 2;

    private const long Never = -1;

    private Slot _chosenBefore;
    private long _stuckSince = Never;
    private long _requestedAt = Never;
    private bool _isFetching;
    private int _sourceTurn;

    /// <summary>
    /// Peers whose logs begin above the next slot that this node has to learn, and where they begin. They are asked
    /// again once the others were asked in vain.
    /// </summary>
    private readonly SortedDictionary<int, Slot> _tooShort = [];

    /// <summary>Requests without an answer that helped, since something was last learned.</summary>
    private int _fruitless;
    private int _snapshotTurn;

    /// <summary>The members of the group, any of which can be asked.</summary>
    public Membership Members { get; set; } = members;

    /// <summary>The node to ask first.</summary>
    public NodeId? Preferred { get; set; }

    /// <summary>
    /// A term begins: this node learns what it missed by proposing it again, or from <paramref name="source"/>. The
    /// time it was stuck before does not count; otherwise a new leader would step down before its first slot can be
    /// chosen.
    /// </summary>
    public void Restart(NodeId source)
    {
        Preferred = source;
        _stuckSince = Never;
        _requestedAt = Never;
        _sourceTurn = 0;
    }

    /// <summary>Whether no request is sent, because what was fetched is still being processed.</summary>
    public bool IsHeld { get; set; }

    /// <summary>How long this node has learned nothing although it misses chosen slots.</summary>
    public long StuckTicks => _stuckSince == Never ? 0 : step.Now - _stuckSince;

    /// <summary>Sends the next request, if one is due.</summary>
    public void Request()
    {
        long now = step.Now;
        Slot chosen = learner.ChosenSlot;
        if (!learner.IsBehind || Source() is not NodeId source)
        {
            _stuckSince = Never;
            _requestedAt = Never;
            _isFetching = false;
            _sourceTurn = 0;
            _fruitless = 0;
            _tooShort.Clear();
            return;
        }

        if (_stuckSince == Never || chosen > _chosenBefore)
        {
            _stuckSince = now;
            if (chosen > _chosenBefore)
            {
                _fruitless = 0;
                ForgetReached();
            }

            _chosenBefore = chosen;
        }

        if (IsHeld)
        {
            // It is this node that is slow, not the one it asks.
            _stuckSince = now;
            return;
        }

        bool isSmall = learner.KnownChosen.Value - chosen.Value <= config.MaxInFlightSlots;
        if (!_isFetching && isSmall && now - _stuckSince < SmallGapTicks)
        {
            return;
        }

        if (_requestedAt == Never)
        {
            Ask(source);
        }
        else if (now - _requestedAt >= config.ResendTicks)
        {
            AskNext(source);
        }
    }

    /// <summary>
    /// Handles an answer. If it helped, the next request is sent at once; if the peer's log begins too late, another
    /// peer is asked at once, until all were; and otherwise another is asked later.
    /// </summary>
    public void Answered(NodeId from, bool learned)
    {
        if (learned)
        {
            _requestedAt = Never;
            Request();
        }
        else if (_requestedAt != Never && !IsHeld && _fruitless < Members.Others.Count
            && Source() is NodeId source && source == from && _tooShort.ContainsKey(from.Value))
        {
            AskNext(source);
        }
    }

    /// <summary>
    /// An answer came that this node had no room for: the same peer is asked again once there is room.
    /// </summary>
    public void AnswerDropped()
    {
        IsHeld = true;
        _requestedAt = Never;
    }

    /// <summary>Notes where the peer's log begins, if that is above the next slot to learn.</summary>
    public void NoteFirstAvailable(NodeId from, Slot first)
    {
        if (first > learner.ChosenSlot.Next)
        {
            _tooShort[from.Value] = first;
        }
        else
        {
            _tooShort.Remove(from.Value);
        }
    }

    public void Serve(CatchUpRequest message)
    {
        if (message.FromSlot <= learner.ChosenSlot)
        {
            step.Effects.CatchUps.Add(new CatchUpOrder(message.From, message.FromSlot, learner.ChosenSlot));
        }
    }

    private void AskNext(NodeId source)
    {
        _fruitless++;
        TurnToNextSource();
        AskForSnapshot();
        Ask(Source() ?? source);
    }

    private void Ask(NodeId source)
    {
        _isFetching = true;
        _requestedAt = step.Now;
        step.Effects.Send.Add(new CatchUpRequest(Members.Self, source, learner.ChosenSlot.Next));
    }

    /// <summary>
    /// Asks for a snapshot once every peer was asked in vain and at least one has trimmed what this node needs. The
    /// peer whose log begins highest comes first: its snapshot reaches every other log, while that of another may end
    /// below where the highest begins, and leave this node as stuck as before. The others follow in turn, in case that
    /// one gives none.
    /// </summary>
    private void AskForSnapshot()
    {
        if (_tooShort.Count > 0 && _fruitless > Members.Others.Count)
        {
            (int from, Slot first) = _tooShort
                .OrderByDescending(peer => peer.Value)
                .ElementAt(_snapshotTurn++ % _tooShort.Count);
            step.Effects.Snapshot = new SnapshotNeed(new NodeId(from), first);
        }
    }

    /// <summary>
    /// A log only loses its beginning, so those that begin above what was learned are still too short.
    /// </summary>
    private void ForgetReached()
    {
        foreach (int peer in _tooShort.Keys.Where(peer => _tooShort[peer] <= learner.ChosenSlot.Next).ToList())
        {
            _tooShort.Remove(peer);
        }
    }

    /// <summary>
    /// Goes on to the next source; past those whose logs are too short, until the others were asked in vain.
    /// </summary>
    private void TurnToNextSource()
    {
        bool mayOthersHelp = _fruitless <= Members.Others.Count;
        int steps = 0;
        do
        {
            _sourceTurn++;
            steps++;
        }
        while (mayOthersHelp && steps <= Members.Others.Count
            && Source() is NodeId source && _tooShort.ContainsKey(source.Value));
    }

    /// <summary>
    /// The preferred node first, then each other member, and again. The preferred node need not be a known member: it
    /// may lead a group all of whose members have changed since. Null when there is nobody to ask.
    /// </summary>
    private NodeId? Source()
    {
        NodeId? preferred = Preferred == Members.Self ? null : Preferred;
        IReadOnlyList<NodeId> others = Members.Others;
        int turn = _sourceTurn % (others.Count + 1);
        return (turn == 0 || others.Count == 0) && preferred is not null ? preferred
            : others.Count > 0 ? others[turn % others.Count]
            : null;
    }
}
