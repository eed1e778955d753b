namespace KvCloud.Consensus;

/// <summary>
/// One term of this node as leader, from the quorum of promises until it steps down: it proposes, stays in contact with
/// its quorum, and confirms reads. Each term is a new object, so nothing counted for one ballot can be counted for
/// another.
/// </summary>
internal sealed class Leadership
{
    /// <summary>An Accept is split into messages of about this many bytes.</summary>
    private const int AcceptMessageBytes = 1024 * 1024;

    private readonly Proposer _proposer;
    private readonly PaxosConfig _config;
    private readonly Acceptor _acceptor;
    private readonly Learner _learner;
    private readonly LogRetention _retention;
    private readonly StepContext _step;
    private readonly HeartbeatRounds _rounds;
    private readonly ReadIndexQueue _reads = new();
    private readonly List<ReadIndexQueue.Read> _settled = [];
    private Membership _members;
    private Slot _toldChosen;
    private long _askedPromisesTick;

    public Leadership(
        Proposer proposer,
        Membership members,
        PaxosConfig config,
        Acceptor acceptor,
        Learner learner,
        LogRetention retention,
        StepContext step,
        Slot settledSlot)
    {
        SettledSlot = settledSlot;
        _proposer = proposer;
        _members = members;
        _config = config;
        _acceptor = acceptor;
        _learner = learner;
        _retention = retention;
        _step = step;
        _rounds = new HeartbeatRounds(members, step.Now);
        Transfer = new LeadershipTransfer(config, step);
    }

    public Ballot Ballot => _proposer.Ballot;

    /// <summary>The slot of the no-op that opened this term.</summary>
    public Slot OpeningSlot => _proposer.OpeningSlot;

    public int InFlightSlots => _proposer.InFlightSlots;

    /// <summary>See <see cref="PaxosNode.LeaseUntilTick"/>.</summary>
    public long LeaseUntilTick =>
        HasOpened && _rounds.ConfirmedRound > 0 && !Transfer.IsAsked
            ? _rounds.ConfirmedSentTick + _config.LeaseTicks
            : 0;

    /// <summary>
    /// The last change of members that is settled: a quorum of the new members durably knows that it is chosen, so a
    /// leader can be elected without those that it removed.
    /// </summary>
    public Slot SettledSlot { get; private set; }

    public LeadershipTransfer Transfer { get; }

    /// <summary>Ticks since the latest round answered by a quorum was sent.</summary>
    public long TicksOutOfTouch => _step.Now - _rounds.ConfirmedSentTick;

    private bool HasOpened => _learner.ChosenSlot >= _proposer.OpeningSlot;

    /// <summary>Proposes again every value that may have been chosen before, then a no-op of its own.</summary>
    /// <returns>The node from which to fetch slots that were chosen before and are unknown here.</returns>
    public NodeId Open()
    {
        _proposer.Lead(_learner.ChosenSlot);
        _learner.NoteChosen(_proposer.ChosenElsewhere);
        ProposeOwn();
        BeginRound();
        return _proposer.LearnedFrom;
    }

    /// <summary>Counts a promise that came, or was asked for, after the first quorum.</summary>
    /// <returns>From whom to learn what was chosen before and is unknown here; null for nothing new.</returns>
    public NodeId? OnPromise(Promise message)
    {
        if (message.Ballot != Ballot || !_proposer.CountPromise(message))
        {
            return null;
        }

        _learner.NoteChosen(_proposer.ChosenElsewhere);
        ProposeOwn();
        return _proposer.LearnedFrom;
    }

    /// <summary>
    /// Counts by these members from now on, and sends a round to them and to the former ones. If fewer than a quorum of
    /// the new ones have promised this ballot, asks the others for their promises.
    /// </summary>
    public void Reconfigure(Membership members)
    {
        Membership before = _members;
        _members = members;
        _proposer.Reconfigure(members);
        _rounds.Reconfigure(members);
        if (members.IsVoter(members.Self))
        {
            AskForPromises();
            ProposeOwn();
        }

        BeginRound(before.Others.Union(members.Others));
    }

    /// <summary>
    /// Proposes a change of members; null while the window, open adoptions or a transfer of leadership forbid it.
    /// </summary>
    public Slot? ProposeMembers(GroupMembers next) =>
        _proposer.MayPropose && _proposer.HasAdopted && Transfer.Successor is null
            ? Propose(ValueKind.Membership, next.Encode())
            : null;

    /// <summary>Begins a last round, which tells the others that the change is settled.</summary>
    public void AnnounceSettled() => BeginRound();

    /// <summary>What a member has reported in this term.</summary>
    public HeartbeatRounds.Progress ProgressOf(NodeId node) => _rounds.ProgressOf(node);

    /// <summary>
    /// Begins a transfer of leadership: stops proposing until the successor has every slot, then asks it to take over.
    /// Proposing resumes if the successor does not catch up within an election timeout.
    /// </summary>
    public bool TryBeginTransfer(NodeId successor) =>
        HasOpened && successor != _members.Self && _members.IsVoter(successor) && Transfer.TryBegin(successor);

    /// <summary>The voter in touch with the highest chosen slot, of those that keep their vote.</summary>
    public NodeId? BestSuccessor()
    {
        NodeId? best = null;
        foreach (GroupMember member in _members.Group.Members)
        {
            HeartbeatRounds.Progress progress = ProgressOf(member.Id);
            bool isInTouch = _step.Now - progress.HeardTick < _config.ElectionTimeoutTicks && progress.HeardTick > 0;
            if (member.IsVoter && member.Id != _members.Self && isInTouch
                && (best is null || progress.Chosen > ProgressOf(best.Value).Chosen))
            {
                best = member.Id;
            }
        }

        return best;
    }

    /// <summary>Asks the successor to take over at once. This node must stop leading.</summary>
    public void TransferTo(NodeId successor) => Transfer.Ask(Ballot, successor);

    public void Tick()
    {
        Transfer.GiveUpIfLate();
        if (!_proposer.HasPromises && _step.Now - _askedPromisesTick >= _config.ResendTicks)
        {
            AskForPromises();
        }

        if (_step.Now - _rounds.LastSentTick >= _config.HeartbeatTicks || _learner.ChosenSlot > _toldChosen)
        {
            BeginRound();
        }

        foreach (NodeId peer in _members.Others)
        {
            SendAccepts(peer, _proposer.Overdue(peer, _step.Now));
        }

        _proposer.NoteResent(_step.Now);
    }

    public bool HasRoomFor(int bytes)
    {
        bool spread = _proposer.NextSlot.Value - _learner.ChosenSlot.Value > 4L * _config.MaxInFlightSlots;
        return _proposer.MayPropose && _proposer.HasAdopted && Transfer.Successor is null && !spread
            && _proposer.HasRoomFor(bytes);
    }

    public Slot Propose(ValueKind kind, ReadOnlyMemory<byte> payload) => Propose(new Value(Ballot, kind, payload));

    /// <summary>
    /// Ends the step: sends what was proposed in it, begins a round for the reads that came, and asks the
    /// successor to take over once it has all.
    /// </summary>
    public void Flush()
    {
        SendProposed();
        if (Transfer is { Successor: NodeId successor, IsAsked: false }
            && _learner.ChosenSlot == _proposer.NextSlot.Previous
            && ProgressOf(successor).Chosen >= _learner.ChosenSlot)
        {
            TransferTo(successor);
        }

        // Until its own no-op is chosen, a new leader may not know everything chosen before (Ongaro's thesis, 6.4).
        if (_reads.NeedsRound && HasOpened)
        {
            _reads.Begin(_rounds.LastRound + 1, _learner.ChosenSlot);
            BeginRound();
        }
    }

    public void OnAccepted(Accepted message)
    {
        if (message.Ballot != Ballot)
        {
            return;
        }

        foreach (Slot slot in message.Slots)
        {
            if (_proposer.CountAccepted(message.From, slot) is Value value)
            {
                _learner.MarkChosen(slot, value, _step.Effects);
            }
        }
    }

    public void OnHeartbeatReply(HeartbeatReply message)
    {
        if (message.Ballot == Ballot
            && _rounds.Answer(
                message.From,
                message.Round,
                new HeartbeatRounds.Progress(message.DurableSlot, message.ChosenSlot, _step.Now)))
        {
            SettleReads();
        }

        NoteSettled();
    }

    public void AddRead(NodeId from, long id) => _reads.Add(from, id);

    /// <summary>Ends the term: every waiting read is unconfirmed.</summary>
    public void End()
    {
        _settled.Clear();
        _reads.TakeAll(_settled);
        AnswerReads(confirmed: false, Slot.Zero);
    }

    /// <summary>Whether a chosen entry lies where this leader proposes, but is not what it proposed there.</summary>
    public bool IsContradictedBy(LogEntry entry)
    {
        if (entry.Slot <= _learner.ChosenSlot || entry.Slot < _proposer.FirstSlot)
        {
            return false;
        }

        LogEntry? own = _acceptor.Find(entry.Slot);
        return own is null || own.Accepted != Ballot || !own.Value.IsSameAs(entry.Value);
    }

    /// <summary>
    /// Makes the proposals of the leader itself: values that may have been chosen before, its own no-op, and the second
    /// step of a change of members.
    /// </summary>
    private void ProposeOwn()
    {
        while (_proposer.TryAdopt(out Value value))
        {
            Propose(value);
        }

        if (_members.IsJoint && _proposer.MayPropose && _proposer.HasAdopted)
        {
            Propose(ValueKind.Membership, _members.Group.AfterJoint().Encode());
        }
    }

    private void AskForPromises()
    {
        _askedPromisesTick = _step.Now;
        if (_proposer.HasPromises)
        {
            return;
        }

        foreach (NodeId peer in _members.OtherVoters)
        {
            if (!_proposer.HasPromised(peer))
            {
                // This node's own promise of the ballot has been on disk since before it led.
                _step.Effects.Send.Add(new Prepare(_members.Self, peer, Ballot, _learner.ChosenSlot.Next));
            }
        }
    }

    private Slot Propose(Value value)
    {
        Slot slot = _proposer.Propose(value, _step.Now);
        Invariant.Check(_acceptor.Promised == Ballot, "a leader's own acceptor is bound to another ballot");
        _acceptor.Accept(slot, value, _step.Effects);
        return slot;
    }

    private void SendProposed()
    {
        IReadOnlyList<LogEntry> entries = _proposer.TakeUnsent();
        if (entries.Count == 0)
        {
            return;
        }

        foreach (NodeId peer in _members.Others)
        {
            SendAccepts(peer, entries);
        }

        Slot[] slots = [.. entries.Select(entry => entry.Slot)];
        _step.Effects.SendAfterPersist.Add(new Accepted(_members.Self, _members.Self, Ballot, slots));
        _toldChosen = _learner.ChosenSlot;
    }

    private void SendAccepts(NodeId peer, IReadOnlyList<LogEntry> entries)
    {
        int start = 0;
        int bytes = 0;
        for (int i = 0; i < entries.Count; i++)
        {
            bytes += entries[i].Value.Payload.Length;
            if (bytes >= AcceptMessageBytes || i == entries.Count - 1)
            {
                IReadOnlyList<LogEntry> part = start == 0 && i == entries.Count - 1
                    ? entries
                    : [.. entries.Skip(start).Take(i - start + 1)];
                _step.Effects.Send.Add(new Accept(_members.Self, peer, Ballot, _learner.ChosenSlot, part));
                start = i + 1;
                bytes = 0;
            }
        }
    }

    private void BeginRound() => BeginRound(_members.Others);

    private void BeginRound(IEnumerable<NodeId> peers)
    {
        long round = _rounds.Begin(_step.Now, _retention.NotNeededUpTo, _learner.SettledChosen);
        NoteSettled();
        _retention.NoteNotNeeded(_rounds.DurableEverywhere());
        _toldChosen = _learner.ChosenSlot;
        foreach (NodeId peer in peers)
        {
            _step.Effects.Send.Add(new Heartbeat(
                _members.Self, peer, Ballot, round, _learner.ChosenSlot, _retention.TrimSlot, SettledSlot));
        }

        SettleReads();
    }

    private void NoteSettled()
    {
        if (SettledSlot < _members.Slot && _rounds.ChosenByQuorum() >= _members.Slot)
        {
            SettledSlot = _members.Slot;
        }
    }

    private void SettleReads()
    {
        _settled.Clear();
        Slot slot = _reads.TakeConfirmed(_rounds.ConfirmedRound, _settled);
        AnswerReads(confirmed: true, slot);
    }

    private void AnswerReads(bool confirmed, Slot slot)
    {
        foreach (ReadIndexQueue.Read read in _settled)
        {
            if (read.From == _members.Self)
            {
                _step.Effects.Reads.Add(new ReadIndexResult(read.Id, confirmed, slot));
            }
            else
            {
                _step.Effects.Send.Add(new ReadIndexReply(_members.Self, read.From, read.Id, confirmed, slot));
            }
        }

        _settled.Clear();
    }
}
