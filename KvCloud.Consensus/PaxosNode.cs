namespace KvCloud.Consensus;

/// <summary>
/// One member of a Multi-Paxos group, as a pure state machine: messages, time and proposals go in,
/// <see cref="Effects"/> come out. The caller owns clock, disk and network, calls from one thread, and carries out the
/// effects of each step in the order that <see cref="Effects"/> states.
/// </summary>
/// <remarks>Over 400 lines: the dispatch of messages by role stays in one place; each role has its own file.</remarks>
public sealed class PaxosNode
{
    private readonly PaxosConfig _config;
    private readonly Acceptor _acceptor;
    private readonly Learner _learner;
    private readonly LeaderElection _election;
    private readonly Voter _voter;
    private readonly CatchUp _catchUp;
    private readonly Follower _follower;
    private readonly LogRetention _retention = new();
    private readonly RemoteReads _remoteReads;
    private readonly StepContext _step = new();
    private Membership _members;
    private Slot _settledSlot;
    private Candidacy? _candidacy;
    private Leadership? _leadership;
    private bool _mayLead = true;

    public PaxosNode(PaxosConfig config, RestoredState restored)
    {
        config.Validate();
        _config = config;
        GroupMembers group = restored.Members ?? GroupMembers.Initial(config.Voters);
        _members = new Membership(config.Self, group);
        _acceptor = new Acceptor(restored, config.MaxUnchosenBytes);
        _learner = new Learner(restored.ChosenSlot, _acceptor, group);
        _election = new LeaderElection(config, _members, isNew: restored.Promised.IsZero);
        _election.NoteRound(restored.Promised.Round);
        _voter = new Voter(config, _acceptor, _learner, _step);
        _catchUp = new CatchUp(_members, config, _learner, _step);
        _follower = new Follower(
            config, _acceptor, _learner, _retention, _step, remembersPromise: !restored.Promised.IsZero);
        _remoteReads = new RemoteReads(config, _learner, _step);
    }

    public NodeId Self => _config.Self;

    public Role Role => _leadership is not null ? Role.Leader
        : _candidacy is null ? Role.Follower
        : _candidacy.IsPreparing ? Role.Candidate : Role.PreCandidate;

    /// <summary>The current leader, as far as this node knows.</summary>
    public NodeId? Leader { get; private set; }

    /// <summary>The highest leader ballot that this node has followed, or its own while it leads.</summary>
    public Ballot Ballot { get; private set; } = Ballot.Zero;

    public Ballot Promised => _acceptor.Promised;

    public Slot ChosenSlot => _learner.ChosenSlot;

    /// <summary>
    /// All slots up to here are known to be chosen somewhere; those above ChosenSlot are still being learned.
    /// </summary>
    public Slot KnownChosen => _learner.KnownChosen;

    public int InFlightSlots => _leadership?.InFlightSlots ?? 0;

    /// <summary>Who governs the slots above ChosenSlot.</summary>
    public GroupMembers Members => _learner.Members;

    /// <summary>
    /// A quorum of <see cref="Members"/> durably knows that they are the members: a node that was removed is not needed
    /// any more, and may stop.
    /// </summary>
    public bool AreMembersSettled => SettledSlot >= Members.Slot;

    private Slot SettledSlot => Slot.Max(_settledSlot, _leadership?.SettledSlot ?? Slot.Zero);

    /// <summary>
    /// Every slot up to here is durable in the caller's data store. Reported to the leader as far as the log knows it
    /// to be chosen.
    /// </summary>
    public Slot DurableSlot
    {
        get => _retention.DurableSlot;
        set => _retention.DurableSlot = value;
    }

    /// <summary>Every member has all slots up to here durably in its data store: no log needs them.</summary>
    public Slot TrimSlot => _retention.TrimSlot;

    /// <summary>The slot of the no-op that opened this node's term as leader; Zero when it does not lead.</summary>
    public Slot OpeningSlot => _leadership?.OpeningSlot ?? Slot.Zero;

    /// <summary>
    /// Until this tick (exclusive) no other node can lead. The leader may serve reads on its own until then, once it
    /// has applied <see cref="OpeningSlot"/> and everything else up to the <see cref="ChosenSlot"/> of that moment,
    /// which a follower may already have applied and shown. 0 when there is no lease.
    /// </summary>
    public long LeaseUntilTick => _leadership?.LeaseUntilTick ?? 0;

    /// <summary>
    /// Whether this node fetches no further chosen slots for now, because the caller has yet to write or apply those
    /// that it fetched.
    /// </summary>
    public bool HoldsCatchUp
    {
        get => _catchUp.IsHeld;
        set => _catchUp.IsHeld = value;
    }

    /// <summary>
    /// Whether others should lead rather than this node, because its disk is slow or nearly full. When it becomes true,
    /// the node stops leading, once; until it becomes false again, the node seeks votes only after nobody else has led
    /// for several election timeouts. No effect in a group of one.
    /// </summary>
    public bool IsReluctant
    {
        get => _election.IsReluctant;
        set
        {
            if (value == _election.IsReluctant || _members.IsAlone)
            {
                return;
            }

            _election.IsReluctant = value;
            if (value && (_leadership is not null || _candidacy is not null))
            {
                StepDown();
            }

            _election.Wait(_step.Now);
        }
    }

    /// <summary>
    /// Whether this node may lead at all. One whose caller cannot execute what is chosen, because its data are damaged,
    /// must not: it stops leading at once, seeks no votes, and takes over from nobody. It votes, accepts and learns as
    /// before; what it says of those is on its log, which is sound. Also in a group of one.
    /// </summary>
    public bool MayLead
    {
        get => _mayLead;
        set
        {
            if (_mayLead && !value && (_leadership is not null || _candidacy is not null))
            {
                StepDown();
            }

            if (_mayLead != value)
            {
                _mayLead = value;
                _election.Wait(_step.Now);
            }
        }
    }

    /// <summary>The highest ballot that this node has promised or follows.</summary>
    private Ballot Known => Ballot.Max(_acceptor.Promised, Ballot);

    /// <summary>
    /// Advances time. Ticks count from the start of this node; going back is ignored. Read the clock after taking the
    /// messages to be stepped from their queue: a heartbeat stepped at an older tick would grant its leader too short a
    /// lease.
    /// </summary>
    public void AdvanceTo(long tick)
    {
        if (tick <= _step.Now)
        {
            return;
        }

        _step.Now = tick;
        if (_leadership is Leadership leadership)
        {
            TickLeader(leadership);
        }
        else if (_election.IsDue(tick))
        {
            SeekVotes();
        }
        else if (_candidacy is { IsOverdue: true } candidacy)
        {
            candidacy.Prepare();
        }

        _remoteReads.Expire();
        _catchUp.Request();
    }

    public void Step(Message message)
    {
        // Any node may send: the sender may know of members that this node has not learned yet. Only members are
        // counted, wherever something is counted.
        if (message.To != Self
            || !RoundLimit.Allows(message, Math.Max(_election.HighestRound, Known.Round)))
        {
            return;
        }

        if (message.From == Self)
        {
            // A node's message to itself arrives only after a promise of its own is on disk.
            _follower.NotePromiseOnDisk();
        }

        switch (message)
        {
            case Accept accept: OnAccept(accept); break;
            case Accepted accepted: _leadership?.OnAccepted(accepted); break;
            case Heartbeat heartbeat: OnHeartbeat(heartbeat); break;
            case HeartbeatReply reply: _leadership?.OnHeartbeatReply(reply); break;
            case ReadIndexRequest request: OnReadIndexRequest(request); break;
            case ReadIndexReply reply: _remoteReads.Answer(reply); break;
            case PreVote preVote: OnPreVote(preVote); break;
            case PreVoteReply reply: OnPreVoteReply(reply); break;
            case Prepare prepare: OnPrepare(prepare); break;
            case Promise promise: OnPromise(promise); break;
            case Refused refused: OnRefused(refused); break;
            case CatchUpRequest request: _catchUp.Serve(request); break;
            case CatchUpReply reply: OnCatchUpReply(reply); break;
            case TimeoutNow timeout: OnTimeoutNow(timeout); break;
            case ChosenIsSynced synced: OnChosenIsSynced(synced); break;
            default: throw new InvariantViolationException($"unknown message {message.GetType().Name}");
        }

        if (_learner.Members != _members.Group)
        {
            Reconfigure();
        }

        if (_leadership is not null && !_members.IsVoter(Self) && AreMembersSettled)
        {
            LeaveLeadership(_leadership);
        }
    }

    /// <summary>Whether <see cref="Propose"/> would take a payload of this size now.</summary>
    public ProposeStatus CanPropose(int bytes) =>
        _leadership is not Leadership leadership ? ProposeStatus.NotLeader
        : leadership.HasRoomFor(bytes) ? ProposeStatus.Proposed : ProposeStatus.WindowFull;

    /// <summary>Proposes a batch of commands in the next slot. The log owns the payload from now on.</summary>
    public ProposeResult Propose(ReadOnlyMemory<byte> payload)
    {
        ProposeStatus status = CanPropose(payload.Length);
        return status == ProposeStatus.Proposed
            ? new ProposeResult(status, _leadership!.Propose(ValueKind.Commands, payload), _leadership.Ballot)
            : new ProposeResult(status, Slot.Zero, Ballot.Zero);
    }

    /// <summary>
    /// Proposes other members. Where the voters change this is the first of two steps; whoever leads when it is chosen
    /// proposes the second. Nothing else is proposed before it is chosen.
    /// </summary>
    /// <param name="target">All members of afterwards, voters and learners.</param>
    /// <param name="knownSlot">The slot of the members that the caller has seen: others must not have changed them
    /// since.</param>
    public ProposeResult ProposeMembers(IReadOnlyList<GroupMember> target, Slot knownSlot)
    {
        if (_leadership is not Leadership leadership)
        {
            return new ProposeResult(ProposeStatus.NotLeader, Slot.Zero, Ballot.Zero);
        }

        bool isPossible = Members.Slot == knownSlot && Members.FindFlaw(target) is null;
        return isPossible && leadership.ProposeMembers(Members.StepTo(target)) is Slot slot
            ? new ProposeResult(ProposeStatus.Proposed, slot, leadership.Ballot)
            : new ProposeResult(ProposeStatus.WindowFull, Slot.Zero, Ballot.Zero);
    }

    /// <summary>
    /// As leader: stops proposing, waits until the successor has everything, and has it take over. False: this node
    /// does not lead, or not yet, or the successor has no vote. Whether it worked shows in who leads; after an election
    /// timeout this node goes on, at a higher ballot if the successor was asked already.
    /// </summary>
    public bool TryTransferLeadership(NodeId successor) => _leadership?.TryBeginTransfer(successor) ?? false;

    /// <summary>Whether this node leads, and has begun to have another take over that has not yet.</summary>
    public bool IsTransferringLeadership => _leadership?.Transfer.Successor is not null;

    /// <summary>As leader: the voter that is to lead next, if any is in touch.</summary>
    public NodeId? BestSuccessor() => _leadership?.BestSuccessor();

    /// <summary>
    /// As leader: up to where the member knows everything to be chosen, and how many ticks ago it said so; null when
    /// this node does not lead or has not heard the member since it does.
    /// </summary>
    public (Slot Chosen, long TicksAgo)? ProgressOf(NodeId member) =>
        _leadership?.ProgressOf(member) is { HeardTick: > 0 } progress
            ? (progress.Chosen, _step.Now - progress.HeardTick)
            : null;

    /// <summary>
    /// Asks for a read index for a batch of reads, all of which have begun. The result is reported once, as
    /// <see cref="Effects.Reads"/> under this id. Ids increase and are never reused, not even after a restart: an
    /// answer to an old request must not serve a later one (etcd-io/etcd#20418).
    /// </summary>
    public void ReadIndex(long id)
    {
        if (_leadership is Leadership leadership)
        {
            leadership.AddRead(Self, id);
        }
        else if (Leader is NodeId leader)
        {
            _remoteReads.Ask(leader, id);
        }
        else
        {
            _remoteReads.Refuse(id);
        }
    }

    /// <summary>Ends the step and returns everything to be done since the last call.</summary>
    public Effects TakeEffects()
    {
        _leadership?.Flush();
        if (_step.Effects.SyncsChosen || (_step.Effects.MustSync && _retention.WaitsForSync(_learner.ChosenSlot)))
        {
            _step.Effects.SendAfterPersist.Add(new ChosenIsSynced(Self, _learner.ChosenSlot));
        }

        return _step.End();
    }

    private void TickLeader(Leadership leadership)
    {
        bool isCutOff = !_members.IsAlone && leadership.TicksOutOfTouch > _config.ElectionTimeoutTicks;
        bool cannotLearn = _catchUp.StuckTicks > _config.ElectionTimeoutTicks;
        if (leadership.Transfer.HasFailed)
        {
            // What it sent may still let voters answer the other: this ballot's lease is gone for good.
            BeginCandidacy();
            return;
        }

        if (!isCutOff && !cannotLearn)
        {
            leadership.Tick();
            return;
        }

        StepDown();
        if (cannotLearn)
        {
            // Leave the next term to another node: this one would only fail again. A leader that was merely cut off may
            // try again soon.
            _election.Wait(_step.Now);
        }
        else
        {
            _election.BackOff(_step.Now);
        }
    }

    // ---- Election ----

    /// <summary>
    /// No leader was heard. A node without a vote, or that may not lead, waits for one. An exception: it may be the
    /// only one that knows of a change of members which the voters of after have yet to learn, as the leader that the
    /// change removed is after it stepped down. So long after the last leader it stands for election, by their votes,
    /// to tell them.
    /// </summary>
    private void SeekVotes()
    {
        bool mayHaveToTell = !AreMembersSettled && _election.IsLongWithoutLeader(_step.Now);
        if (_mayLead && (_members.IsVoter(Self) || mayHaveToTell))
        {
            BeginCandidacy();
        }
        else
        {
            StepDown();
            _election.Wait(_step.Now);
        }
    }

    /// <param name="transferOf">The ballot of the leader that asked for it; of round 0 where none did.</param>
    private void BeginCandidacy(Ballot transferOf = default)
    {
        StepDown();
        long round = Math.Max(_election.HighestRound, Known.Round);
        Invariant.Check(round < long.MaxValue, "no round is left for another election");
        _candidacy = new Candidacy(
            new Ballot(round + 1, Self), _members, _config, _acceptor, _learner, _step, transferOf);
        _election.BackOff(_step.Now);
        if (!transferOf.IsZero)
        {
            BeginPrepare(_candidacy);
            return;
        }

        _candidacy.AskForPreVotes();
        if (_candidacy.HasPreVotes)
        {
            BeginPrepare(_candidacy);
        }
    }

    private void OnTimeoutNow(TimeoutNow message)
    {
        if (Role == Role.Follower && Leader == message.From && Ballot == message.Ballot && _members.IsVoter(Self)
            && _mayLead)
        {
            BeginCandidacy(message.Ballot);
        }
    }

    private void OnPreVote(PreVote message) => _voter.Answer(
        message, InLeaseOfOther(message.From), mayLeadItself: _mayLead && !_election.IsLongWithoutLeader(_step.Now));

    private void OnPreVoteReply(PreVoteReply message)
    {
        _election.NoteRound(message.Promised.Round);
        if (_candidacy is Candidacy candidacy && candidacy.CountPreVote(message))
        {
            BeginPrepare(candidacy);
        }
    }

    private void BeginPrepare(Candidacy candidacy)
    {
        if (!candidacy.TryPrepare())
        {
            StepDown();
            return;
        }

        _election.WaitForPromises(_step.Now);
        _voter.Promise(Self, candidacy.Ballot, _learner.ChosenSlot.Next);
    }

    private void OnPrepare(Prepare message)
    {
        if (message.Ballot.Node != message.From)
        {
            return;
        }

        _election.NoteRound(message.Ballot.Round);
        if (_voter.Answer(message, Known, InLeaseOfOther(message.From) && !IsTransferOfLeader(message)))
        {
            StepDown();
            _election.Wait(_step.Now);
        }
    }

    private void OnPromise(Promise message)
    {
        if (_candidacy is Candidacy outdated && message.Ballot == outdated.Ballot
            && message.MembersSlot > _members.Slot)
        {
            // Elected by former members, it could propose nothing before it has learned of the present ones.
            _learner.NoteChosen(message.MembersSlot);
            _catchUp.Preferred = message.From;
            StepDown();
            _election.BackOff(_step.Now);
        }
        else if (_candidacy is Candidacy candidacy && candidacy.CountPromise(message))
        {
            BecomeLeader(candidacy.Proposer!);
        }
        else if (_leadership?.OnPromise(message) is NodeId source)
        {
            _catchUp.Preferred = source;
        }
    }

    private void BecomeLeader(Proposer proposer)
    {
        _candidacy = null;
        _leadership = new Leadership(proposer, _members, _config, _acceptor, _learner, _retention, _step, _settledSlot);
        Leader = Self;
        Ballot = proposer.Ballot;
        _catchUp.Restart(_leadership.Open());
        _remoteReads.RefuseAll();
    }

    private void OnRefused(Refused message)
    {
        _election.NoteRound(message.Promised.Round);
        bool wasLeader = _leadership is not null;
        Ballot? own = _leadership?.Ballot ?? _candidacy?.Proposer?.Ballot;
        if (message.Ballot != own || message.Promised <= message.Ballot)
        {
            return;
        }

        bool hasSuccessor = _leadership?.Transfer.HasAsked(message.Promised.Node) ?? false;
        StepDown();
        if (hasSuccessor)
        {
            // The one that was asked to take over has promised its own ballot, and its Prepare is about to come.
            _election.Wait(_step.Now);
        }
        else if (wasLeader && _mayLead)
        {
            // The followers still follow this node, so a higher ballot of its own reunites the group soonest.
            BeginCandidacy();
        }
        else
        {
            _election.BackOff(_step.Now);
        }
    }

    /// <summary>Gives up this node's candidacy or leadership. The promise stays.</summary>
    private void StepDown()
    {
        Leader = null;
        _candidacy = null;
        _settledSlot = SettledSlot;
        _leadership?.End();
        _leadership = null;
        _remoteReads.RefuseAll();
    }

    /// <summary>Whether a leader other than this candidate may hold a lease granted by this node.</summary>
    private bool InLeaseOfOther(NodeId candidate)
    {
        if (_leadership is Leadership leadership)
        {
            return leadership.TicksOutOfTouch < _config.ElectionTimeoutTicks;
        }

        return Leader != candidate && _election.InLease(_step.Now);
    }

    /// <summary>
    /// Whether the leader whose lease this node may have granted has itself asked the candidate to take over: it gave
    /// up its lease before it did. That must be the very leader that was heard last.
    /// </summary>
    private bool IsTransferOfLeader(Prepare message) => !message.TransferOf.IsZero && message.TransferOf == Ballot;

    // ---- Members ----

    /// <summary>Other members govern from now on, in every part that counts them.</summary>
    private void Reconfigure()
    {
        _members = new Membership(Self, _learner.Members);
        _catchUp.Members = _members;
        if (_candidacy is not null)
        {
            StepDown();
            _election.BackOff(_step.Now);
        }

        if (_leadership is Leadership leadership)
        {
            leadership.Reconfigure(_members);
        }
    }

    /// <summary>
    /// This node has no vote any more, and a quorum of those who have one knows it. Until then it stays leader without
    /// proposing anything: voters that do not know of the change may need it.
    /// </summary>
    private void LeaveLeadership(Leadership leadership)
    {
        _settledSlot = leadership.SettledSlot;
        leadership.AnnounceSettled();
        if (leadership.BestSuccessor() is NodeId successor)
        {
            leadership.TransferTo(successor);
        }

        StepDown();
        _election.Wait(_step.Now);
    }

    private void OnChosenIsSynced(ChosenIsSynced message)
    {
        _retention.NoteSynced(message.ChosenSlot);
        _learner.NoteSynced(message.ChosenSlot, _step.Effects);
    }

    // ---- Following and learning ----

    private void OnAccept(Accept message)
    {
        if (TryFollow(message.From, message.Ballot))
        {
            _follower.Accept(message);
        }
    }

    private void OnHeartbeat(Heartbeat message)
    {
        if (TryFollow(message.From, message.Ballot))
        {
            _settledSlot = Slot.Max(_settledSlot, message.SettledSlot);
            _follower.Answer(message);
        }
    }

    /// <summary>Starts to follow the leader of the ballot. False when the ballot is obsolete.</summary>
    private bool TryFollow(NodeId from, Ballot ballot)
    {
        if (ballot.Node != from)
        {
            return false;
        }

        if (ballot < Known)
        {
            _voter.Refuse(from, ballot, Known);
            return false;
        }

        if (Role != Role.Follower || Leader != from || Ballot != ballot)
        {
            StepDown();
            Leader = from;
            Ballot = ballot;
            _follower.Begin(ballot);
            _catchUp.Preferred = from;
        }

        _election.NoteRound(ballot.Round);
        _election.HeardLeader(_step.Now);
        return true;
    }

    private void OnReadIndexRequest(ReadIndexRequest message)
    {
        if (_leadership is Leadership leadership)
        {
            leadership.AddRead(message.From, message.Id);
        }
        else
        {
            _step.Effects.Send.Add(new ReadIndexReply(Self, message.From, message.Id, Confirmed: false, Slot.Zero));
        }
    }

    private void OnCatchUpReply(CatchUpReply message)
    {
        if (_leadership is Leadership leadership && message.Entries.Any(leadership.IsContradictedBy))
        {
            // A leader of a higher ballot chose another value in a slot where this node proposed. If this node reported
            // those slots as chosen in a heartbeat, its followers would take what they accepted at its ballot for the
            // chosen value.
            StepDown();
            _election.Wait(_step.Now);
        }

        _learner.NoteChosen(message.ChosenSlot);
        bool learned = _learner.LearnFromPeer(message.Entries, _step.Effects);
        if (Role == Role.Follower && Leader is not null)
        {
            _follower.Learn();
        }

        _catchUp.NoteFirstAvailable(message.From, message.FirstAvailable);
        _catchUp.Answered(learned);
    }
}
