namespace KvCloud.Consensus;

/// <summary>
/// One member of a Multi-Paxos group, as a pure state machine: messages, time and proposals go in, <see cref="Effects"/>
/// come out. The caller owns clock, disk and network, calls from one thread, and carries out each turn's effects in the
/// order that <see cref="Effects"/> states.
/// </summary>
public sealed class PaxosNode
{
    /// <summary>An Accept is cut into messages of about this many bytes.</summary>
    private const int AcceptMessageBytes = 1024 * 1024;

    private readonly PaxosConfig _config;
    private readonly Membership _members;
    private readonly Acceptor _acceptor;
    private readonly Learner _learner;
    private readonly LeaderElection _election;
    private readonly CatchUp _catchUp;
    private readonly ReadIndexQueue _reads = new();
    private readonly SortedDictionary<long, long> _remoteReads = [];
    private readonly List<ReadIndexQueue.Read> _settled = [];
    private Effects _effects = new();
    private Proposer? _proposer;
    private HeartbeatRounds? _rounds;
    private Ballot _preVoteBallot = Ballot.Zero;
    private Slot _leaderChosen;
    private Slot _toldChosen;
    private Slot _trimSlot;
    private Slot _syncedChosen;
    private bool _remembersPromise;
    private long _preparedAt;
    private long _now;

    public PaxosNode(PaxosConfig config, RestoredState restored)
    {
        config.Validate();
        _config = config;
        _members = new Membership(config.Self, config.Voters);
        _acceptor = new Acceptor(restored, config.MaxUnchosenBytes);
        _learner = new Learner(restored.ChosenSlot, _acceptor);
        _election = new LeaderElection(config, _members, isNew: restored.Promised.IsZero);
        _election.NoteRound(restored.Promised.Round);
        _remembersPromise = !restored.Promised.IsZero;
        _catchUp = new CatchUp(_members, config);
    }

    public NodeId Self => _config.Self;

    public Role Role { get; private set; }

    /// <summary>Who leads, as far as this node knows.</summary>
    public NodeId? Leader { get; private set; }

    /// <summary>The highest ballot of a leader that this node has followed, or its own when it leads.</summary>
    public Ballot Ballot { get; private set; } = Ballot.Zero;

    public Ballot Promised => _acceptor.Promised;

    public Slot ChosenSlot => _learner.ChosenSlot;

    /// <summary>Slots up to here are known to be chosen somewhere; above ChosenSlot they are still being learned.</summary>
    public Slot KnownChosen => _learner.KnownChosen;

    public int InFlightSlots => _proposer?.InFlightSlots ?? 0;

    /// <summary>What the caller's data store has durably; told to the leader as far as the log knows it to be chosen.</summary>
    public Slot DurableSlot { get; set; }

    /// <summary>Every voter has all up to here durably in its data store: the log needs it no more.</summary>
    public Slot TrimSlot => _trimSlot;

    /// <summary>The no-op that opened this node's reign; Zero when it does not lead.</summary>
    public Slot OpeningSlot => Role == Role.Leader ? _proposer!.OpeningSlot : Slot.Zero;

    /// <summary>
    /// Up to this tick, exclusive, no other node can lead: the leader may read alone, once it has applied
    /// <see cref="OpeningSlot"/> and everything else up to the <see cref="ChosenSlot"/> of that moment, which a follower
    /// may have applied and shown already. 0 when there is no lease.
    /// </summary>
    public long LeaseUntilTick =>
        Role == Role.Leader && _learner.ChosenSlot >= _proposer!.OpeningSlot && _rounds!.ConfirmedRound > 0
            ? _rounds.ConfirmedSentTick + _config.LeaseTicks
            : 0;

    /// <summary>
    /// After any crash this node has everything up to here in its data, and its log knows it to be chosen: it needs these
    /// slots from nobody. What only the data has it would have to learn again, and could not if all had trimmed it.
    /// After a start nothing counts before a write is synced: what was read may be the page cache of a process that died.
    /// </summary>
    private Slot NotNeededUpTo => Slot.Min(DurableSlot, _syncedChosen);

    /// <summary>
    /// Lets time pass. Ticks are counted from the start of this node; going back is ignored. The clock is to be read
    /// after the messages to be stepped were taken from their queue: a heartbeat stepped at an older tick would grant
    /// its leader too short a lease.
    /// </summary>
    public void AdvanceTo(long tick)
    {
        if (tick <= _now)
        {
            return;
        }

        _now = tick;
        if (Role == Role.Leader)
        {
            TickLeader();
        }
        else
        {
            TickFollower();
        }

        ExpireRemoteReads();
        RequestCatchUp();
    }

    public void Step(Message message)
    {
        if (message.To != Self || !_members.IsVoter(message.From))
        {
            return;
        }

        // What a node says to itself comes only after a promise of its own is on disk.
        _remembersPromise |= message.From == Self;
        switch (message)
        {
            case Accept accept: OnAccept(accept); break;
            case Accepted accepted: OnAccepted(accepted); break;
            case Heartbeat heartbeat: OnHeartbeat(heartbeat); break;
            case HeartbeatReply reply: OnHeartbeatReply(reply); break;
            case ReadIndexRequest request: OnReadIndexRequest(request); break;
            case ReadIndexReply reply: OnReadIndexReply(reply); break;
            case PreVote preVote: OnPreVote(preVote); break;
            case PreVoteReply reply: OnPreVoteReply(reply); break;
            case Prepare prepare: OnPrepare(prepare); break;
            case Promise promise: OnPromise(promise); break;
            case Refused refused: OnRefused(refused); break;
            case CatchUpRequest request: OnCatchUpRequest(request); break;
            case CatchUpReply reply: OnCatchUpReply(reply); break;
            case ChosenIsSynced synced: _syncedChosen = Slot.Max(_syncedChosen, synced.ChosenSlot); break;
            default: throw new InvariantViolationException($"unknown message {message.GetType().Name}");
        }
    }

    /// <summary>Whether <see cref="Propose"/> would take a payload of this size now.</summary>
    public ProposeStatus CanPropose(int bytes)
    {
        if (Role != Role.Leader)
        {
            return ProposeStatus.NotLeader;
        }

        bool spread = _proposer!.NextSlot.Value - _learner.ChosenSlot.Value > 4L * _config.MaxInFlightSlots;
        return spread || !_proposer.HasRoomFor(bytes) ? ProposeStatus.WindowFull : ProposeStatus.Proposed;
    }

    /// <summary>Proposes a batch of commands for the next slot. The payload belongs to the log from now on.</summary>
    public ProposeResult Propose(ReadOnlyMemory<byte> payload)
    {
        ProposeStatus status = CanPropose(payload.Length);
        if (status != ProposeStatus.Proposed)
        {
            return new ProposeResult(status, Slot.Zero, Ballot.Zero);
        }

        Slot slot = ProposeValue(new Value(_proposer!.Ballot, ValueKind.Commands, payload));
        return new ProposeResult(ProposeStatus.Proposed, slot, _proposer.Ballot);
    }

    /// <summary>
    /// Asks for a read index for a batch of reads that have all begun. The outcome comes as <see cref="Effects.Reads"/>
    /// under this id, once. Ids grow and are never used again, not even after a restart: an answer to an old request
    /// must not serve a later one (etcd-io/etcd#20418).
    /// </summary>
    public void ReadIndex(long id)
    {
        if (Role == Role.Leader)
        {
            _reads.Add(Self, id);
        }
        else if (Leader is NodeId leader)
        {
            _remoteReads.Add(id, _now);
            _effects.Send.Add(new ReadIndexRequest(Self, leader, id));
        }
        else
        {
            _effects.Reads.Add(new ReadIndexResult(id, Confirmed: false, Slot.Zero));
        }
    }

    /// <summary>Ends the turn: everything to be done since the last call.</summary>
    public Effects TakeEffects()
    {
        if (Role == Role.Leader)
        {
            SendProposed();
            BeginReadRound();
        }

        if (_effects.MustSync && DurableSlot > _syncedChosen && _learner.ChosenSlot > _syncedChosen)
        {
            _effects.SendAfterPersist.Add(new ChosenIsSynced(Self, _learner.ChosenSlot));
        }

        Effects effects = _effects;
        _effects = new Effects();
        return effects;
    }

    private void TickLeader()
    {
        bool isCutOff = !_members.IsAlone && _now - _rounds!.ConfirmedSentTick > _config.ElectionTimeoutTicks;
        bool cannotLearn = _catchUp.StuckTicks(_now) > _config.ElectionTimeoutTicks;
        if (isCutOff || cannotLearn)
        {
            StepDown();
            if (cannotLearn)
            {
                // Somebody else shall lead: who was cut off may try again soon, who cannot learn would only fail again.
                _election.Wait(_now);
            }
            else
            {
                _election.BackOff(_now);
            }

            return;
        }

        if (_now - _rounds!.LastSentTick >= _config.HeartbeatTicks || _learner.ChosenSlot > _toldChosen)
        {
            BeginRound();
        }

        foreach (NodeId peer in _members.Others)
        {
            SendAccepts(peer, _proposer!.Overdue(peer, _now));
        }

        _proposer!.NoteResent(_now);
    }

    private void TickFollower()
    {
        if (_election.IsDue(_now))
        {
            BeginPreVote();
        }
        else if (Role == Role.Candidate && _now - _preparedAt >= _config.ResendTicks)
        {
            _preparedAt = _now;
            SendPrepare(_effects.SendAfterPersist);
        }
    }

    // ---- Election ----

    private void BeginPreVote()
    {
        StepDown();
        Role = Role.PreCandidate;
        long round = Math.Max(_election.HighestRound, Math.Max(_acceptor.Promised.Round, Ballot.Round));
        _preVoteBallot = new Ballot(round + 1, Self);
        _election.BackOff(_now);
        _election.BeginPreVote();
        foreach (NodeId peer in _members.Others)
        {
            _effects.Send.Add(new PreVote(Self, peer, _preVoteBallot, _learner.ChosenSlot.Next));
        }

        if (_election.HasPreVotes)
        {
            BeginPrepare();
        }
    }

    private void OnPreVote(PreVote message)
    {
        bool granted = message.Ballot > _acceptor.Promised && !MayBeLedByOther(message.From);
        _effects.Send.Add(new PreVoteReply(Self, message.From, message.Ballot, granted, _acceptor.Promised));
    }

    private void OnPreVoteReply(PreVoteReply message)
    {
        _election.NoteRound(message.Promised.Round);
        if (Role != Role.PreCandidate || message.Ballot != _preVoteBallot || !message.Granted)
        {
            return;
        }

        _election.CountPreVote(message.From);
        if (_election.HasPreVotes)
        {
            BeginPrepare();
        }
    }

    private void BeginPrepare()
    {
        if (!_acceptor.TryPromise(_preVoteBallot, _effects))
        {
            // A higher ballot was promised while the votes came in.
            StepDown();
            return;
        }

        Role = Role.Candidate;
        _proposer = new Proposer(_preVoteBallot, _members, _config);
        _preparedAt = _now;
        _election.WaitForPromises(_now);

        // After the own promise is on disk: a ballot is never used twice, whatever a crash forgets.
        SendPrepare(_effects.SendAfterPersist);
        _effects.SendAfterPersist.Add(MakePromise(Self, _preVoteBallot, _learner.ChosenSlot.Next));
    }

    private void SendPrepare(List<Message> to)
    {
        foreach (NodeId peer in _members.Others)
        {
            if (!_proposer!.HasPromised(peer))
            {
                to.Add(new Prepare(Self, peer, _proposer.Ballot, _learner.ChosenSlot.Next));
            }
        }
    }

    private void OnPrepare(Prepare message)
    {
        if (message.Ballot.Node != message.From)
        {
            return;
        }

        _election.NoteRound(message.Ballot.Round);
        if (message.Ballot < _acceptor.Promised)
        {
            Refuse(message.From, message.Ballot);
            return;
        }

        bool isNewBallot = message.Ballot > _acceptor.Promised;
        if (isNewBallot && MayBeLedByOther(message.From))
        {
            // The lease of the leader that was heard last may still hold.
            return;
        }

        Invariant.Check(_acceptor.TryPromise(message.Ballot, _effects), "a promise was refused after its check");
        if (isNewBallot)
        {
            StepDown();
            _election.Wait(_now);
        }

        _effects.SendAfterPersist.Add(MakePromise(message.From, message.Ballot, message.FirstUnchosen));
    }

    private Promise MakePromise(NodeId to, Ballot ballot, Slot firstUnchosen)
    {
        Slot below = Slot.Max(_learner.ChosenSlot, firstUnchosen.Previous);
        return new Promise(Self, to, ballot, _learner.ChosenSlot, _acceptor.AcceptedAbove(below));
    }

    private void OnPromise(Promise message)
    {
        if (Role == Role.Candidate && message.Ballot == _proposer!.Ballot && _proposer.CountPromise(message))
        {
            BecomeLeader();
        }
    }

    private void BecomeLeader()
    {
        Role = Role.Leader;
        Leader = Self;
        Ballot = _proposer!.Ballot;
        _rounds = new HeartbeatRounds(_members, _now);
        _toldChosen = Slot.Zero;
        IReadOnlyList<Value> values = _proposer.Lead(_learner.ChosenSlot, out Slot chosenElsewhere, out NodeId source);
        _learner.NoteChosen(chosenElsewhere);
        _catchUp.Restart(source);
        foreach (Value value in values)
        {
            ProposeValue(value);
        }

        BeginRound();
        FailRemoteReads();
    }

    private void OnRefused(Refused message)
    {
        _election.NoteRound(message.Promised.Round);
        if (_proposer is null || message.Ballot != _proposer.Ballot || message.Promised <= message.Ballot)
        {
            return;
        }

        bool wasLeader = Role == Role.Leader;
        StepDown();
        if (wasLeader)
        {
            // Its followers still follow it: a higher ballot of its own unites the group soonest.
            BeginPreVote();
        }
        else
        {
            _election.BackOff(_now);
        }
    }

    /// <summary>Gives up whatever this node sought or held. The promise stays.</summary>
    private void StepDown()
    {
        Role = Role.Follower;
        Leader = null;
        _proposer = null;
        _rounds = null;
        _settled.Clear();
        _reads.TakeAll(_settled);
        AnswerReads(confirmed: false, Slot.Zero);
        FailRemoteReads();
    }

    /// <summary>A leader of this ballot lives.</summary>
    private void Follow(Ballot ballot)
    {
        if (Role != Role.Follower || Leader != ballot.Node || Ballot != ballot)
        {
            StepDown();
            Leader = ballot.Node;
            Ballot = ballot;
            _leaderChosen = Slot.Zero;
            _catchUp.Preferred = ballot.Node;
        }

        _election.NoteRound(ballot.Round);
        _election.HeardLeader(_now);
    }

    /// <summary>Whether a leader other than this candidate may hold a lease that this node has granted.</summary>
    private bool MayBeLedByOther(NodeId candidate)
    {
        if (Role == Role.Leader)
        {
            return _now - _rounds!.ConfirmedSentTick < _config.ElectionTimeoutTicks;
        }

        return Leader != candidate && _election.MayBeLed(_now);
    }

    private void Refuse(NodeId to, Ballot ballot) =>
        _effects.Send.Add(new Refused(Self, to, ballot, Ballot.Max(_acceptor.Promised, Ballot)));

    // ---- Phase 2 ----

    private Slot ProposeValue(Value value)
    {
        Slot slot = _proposer!.Propose(value, _now);
        Invariant.Check(_acceptor.Promised == _proposer.Ballot, "a leader's own acceptor is bound to another ballot");
        _acceptor.Accept(slot, value, _effects);
        return slot;
    }

    private void SendProposed()
    {
        IReadOnlyList<LogEntry> entries = _proposer!.TakeUnsent();
        if (entries.Count == 0)
        {
            return;
        }

        foreach (NodeId peer in _members.Others)
        {
            SendAccepts(peer, entries);
        }

        Slot[] slots = [.. entries.Select(entry => entry.Slot)];
        _effects.SendAfterPersist.Add(new Accepted(Self, Self, _proposer.Ballot, slots));
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
                _effects.Send.Add(new Accept(Self, peer, _proposer!.Ballot, _learner.ChosenSlot, part));
                start = i + 1;
                bytes = 0;
            }
        }
    }

    private void OnAccept(Accept message)
    {
        if (message.Ballot.Node != message.From)
        {
            return;
        }

        if (message.Ballot < Ballot || !_acceptor.TryPromise(message.Ballot, _effects))
        {
            Refuse(message.From, message.Ballot);
            return;
        }

        Follow(message.Ballot);
        var slots = new List<Slot>(message.Entries.Count);
        foreach (LogEntry entry in message.Entries)
        {
            if (entry.Slot > _learner.ChosenSlot)
            {
                if (!_acceptor.HasRoomFor(entry.Slot))
                {
                    continue;
                }

                _acceptor.Accept(entry.Slot, entry.Value, _effects);
            }

            slots.Add(entry.Slot);
        }

        if (slots.Count > 0)
        {
            _effects.SendAfterPersist.Add(new Accepted(Self, message.From, message.Ballot, slots));
        }

        FollowChosen(message.ChosenSlot);
    }

    private void OnAccepted(Accepted message)
    {
        if (Role != Role.Leader || message.Ballot != _proposer!.Ballot)
        {
            return;
        }

        foreach (Slot slot in message.Slots)
        {
            if (_proposer.CountAccepted(message.From, slot) is Value value)
            {
                _learner.MarkChosen(slot, value, _effects);
            }
        }
    }

    // ---- Heartbeats and reads ----

    private void BeginRound()
    {
        long round = _rounds!.Begin(_now, NotNeededUpTo);
        _trimSlot = Slot.Max(_trimSlot, _rounds.DurableEverywhere());
        _toldChosen = _learner.ChosenSlot;
        foreach (NodeId peer in _members.Others)
        {
            _effects.Send.Add(new Heartbeat(Self, peer, Ballot, round, _learner.ChosenSlot, _trimSlot));
        }

        SettleReads();
    }

    private void OnHeartbeat(Heartbeat message)
    {
        if (message.Ballot.Node != message.From)
        {
            return;
        }

        if (message.Ballot < Ballot || message.Ballot < _acceptor.Promised)
        {
            Refuse(message.From, message.Ballot);
            return;
        }

        Follow(message.Ballot);
        _trimSlot = Slot.Max(_trimSlot, message.TrimSlot);
        FollowChosen(message.ChosenSlot);
        var reply = new HeartbeatReply(
            Self, message.From, message.Ballot, message.Round, _learner.ChosenSlot, NotNeededUpTo);
        if (_remembersPromise)
        {
            _effects.Send.Add(reply);
            return;
        }

        // The answer grants a lease. A node that has promised nothing yet would forget that in a crash, come back as a
        // new one and vote at once: it promises first, and answers when the disk has it.
        _acceptor.TryPromise(message.Ballot, _effects);
        _effects.SendAfterPersist.Add(reply);
        _effects.SendAfterPersist.Add(reply with { To = Self });
    }

    private void OnHeartbeatReply(HeartbeatReply message)
    {
        if (Role == Role.Leader && message.Ballot == Ballot
            && _rounds!.Answer(message.From, message.Round, message.DurableSlot))
        {
            SettleReads();
        }
    }

    private void BeginReadRound()
    {
        // Before its own no-op is chosen a new leader may not know everything that was chosen (thesis, 6.4).
        if (_reads.NeedsRound && _learner.ChosenSlot >= _proposer!.OpeningSlot)
        {
            _reads.Begin(_rounds!.LastRound + 1, _learner.ChosenSlot);
            BeginRound();
        }
    }

    private void SettleReads()
    {
        _settled.Clear();
        Slot slot = _reads.TakeConfirmed(_rounds!.ConfirmedRound, _settled);
        AnswerReads(confirmed: true, slot);
    }

    private void AnswerReads(bool confirmed, Slot slot)
    {
        foreach (ReadIndexQueue.Read read in _settled)
        {
            if (read.From == Self)
            {
                _effects.Reads.Add(new ReadIndexResult(read.Id, confirmed, slot));
            }
            else
            {
                _effects.Send.Add(new ReadIndexReply(Self, read.From, read.Id, confirmed, slot));
            }
        }

        _settled.Clear();
    }

    private void OnReadIndexRequest(ReadIndexRequest message)
    {
        if (Role == Role.Leader)
        {
            _reads.Add(message.From, message.Id);
        }
        else
        {
            _effects.Send.Add(new ReadIndexReply(Self, message.From, message.Id, Confirmed: false, Slot.Zero));
        }
    }

    private void OnReadIndexReply(ReadIndexReply message)
    {
        if (!_remoteReads.Remove(message.Id))
        {
            return;
        }

        if (message.Confirmed)
        {
            _learner.NoteChosen(message.Slot);
        }

        _effects.Reads.Add(new ReadIndexResult(message.Id, message.Confirmed, message.Slot));
    }

    private void ExpireRemoteReads()
    {
        while (_remoteReads.Count > 0)
        {
            (long id, long sentTick) = _remoteReads.First();
            if (_now - sentTick < 2L * _config.ResendTicks)
            {
                return;
            }

            _remoteReads.Remove(id);
            _effects.Reads.Add(new ReadIndexResult(id, Confirmed: false, Slot.Zero));
        }
    }

    private void FailRemoteReads()
    {
        foreach (long id in _remoteReads.Keys)
        {
            _effects.Reads.Add(new ReadIndexResult(id, Confirmed: false, Slot.Zero));
        }

        _remoteReads.Clear();
    }

    // ---- Learning ----

    private void FollowChosen(Slot upTo)
    {
        _leaderChosen = Slot.Max(_leaderChosen, upTo);
        _learner.FollowLeader(Ballot, _leaderChosen, _effects);
    }

    private void RequestCatchUp()
    {
        if (_catchUp.Next(_learner.ChosenSlot, _learner.KnownChosen, _now) is CatchUpRequest request)
        {
            _effects.Send.Add(request);
        }
    }

    private void OnCatchUpRequest(CatchUpRequest message)
    {
        if (message.FromSlot <= _learner.ChosenSlot)
        {
            _effects.CatchUps.Add(new CatchUpOrder(message.From, message.FromSlot, _learner.ChosenSlot));
        }
    }

    private void OnCatchUpReply(CatchUpReply message)
    {
        if (Role == Role.Leader && message.Entries.Any(ContradictsReign))
        {
            // A higher ballot leads, and chose something else where this node has proposed. A heartbeat that called
            // those slots chosen would have followers take what they accepted at this ballot for the chosen value.
            StepDown();
            _election.Wait(_now);
        }

        _learner.NoteChosen(message.ChosenSlot);
        bool learned = _learner.LearnFromPeer(message.Entries, _effects);
        if (Role == Role.Follower && Leader is not null)
        {
            _learner.FollowLeader(Ballot, _leaderChosen, _effects);
        }

        _catchUp.Answered(learned);
        if (learned)
        {
            RequestCatchUp();
        }
    }

    /// <summary>Whether a chosen entry lies where this leader proposes, and is not what it proposed there.</summary>
    private bool ContradictsReign(LogEntry entry)
    {
        if (entry.Slot <= _learner.ChosenSlot || entry.Slot < _proposer!.FirstSlot)
        {
            return false;
        }

        LogEntry? own = _acceptor.Find(entry.Slot);
        return own is null || own.Accepted != _proposer.Ballot || !own.Value.IsSameAs(entry.Value);
    }
}
