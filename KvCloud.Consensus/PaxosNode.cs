namespace KvCloud.Consensus;

/// <summary>
/// One member of a Multi-Paxos group, as a pure state machine: messages, time and proposals go in,
/// <see cref="Effects"/> come out. The caller owns clock, disk and network, calls from one thread, and carries out the
/// effects of each step in the order that <see cref="Effects"/> states.
/// </summary>
/// <remarks>
/// This class takes the calls and dispatches the messages. <see cref="NodeRole"/> changes the role; what a node does in
/// it is in <see cref="Follower"/>, <see cref="Candidacy"/> and <see cref="Leadership"/>.
/// </remarks>
public sealed class PaxosNode
{
    private readonly PaxosConfig _config;
    private readonly Acceptor _acceptor;
    private readonly Learner _learner;
    private readonly CatchUp _catchUp;
    private readonly Follower _follower;
    private readonly LogRetention _retention = new();
    private readonly RemoteReads _remoteReads;
    private readonly StepContext _step = new();
    private readonly NodeRole _role;

    public PaxosNode(PaxosConfig config, RestoredState restored)
    {
        config.Validate();
        _config = config;
        GroupMembers group = restored.Members ?? GroupMembers.Initial(config.Voters);
        var members = new Membership(config.Self, group);
        _acceptor = new Acceptor(restored, config.MaxUnchosenBytes);
        _learner = new Learner(restored.ChosenSlot, _acceptor, group);
        var election = new LeaderElection(config, members, isNew: restored.Promised.IsZero);
        election.NoteRound(restored.Promised.Round);
        var voter = new Voter(config, _acceptor, _learner, _retention, _step);
        _catchUp = new CatchUp(members, config, _learner, _step);
        _follower = new Follower(
            config, _acceptor, _learner, _retention, _step, remembersPromise: !restored.Promised.IsZero);
        _remoteReads = new RemoteReads(config, _learner, _step);
        _role = new NodeRole(
            new NodeParts(
                config, _acceptor, _learner, election, voter, _catchUp, _follower, _retention, _remoteReads, _step),
            members);
    }

    public NodeId Self => _config.Self;

    public Role Role => _role.Current;

    /// <summary>The current leader, as far as this node knows.</summary>
    public NodeId? Leader => _role.Leader;

    /// <summary>The highest leader ballot that this node has followed, or its own while it leads.</summary>
    public Ballot Ballot => _role.Ballot;

    public Ballot Promised => _acceptor.Promised;

    public Slot ChosenSlot => _learner.ChosenSlot;

    /// <summary>
    /// All slots up to here are known to be chosen somewhere; those above ChosenSlot are still being learned.
    /// </summary>
    public Slot KnownChosen => _learner.KnownChosen;

    public int InFlightSlots => Leadership?.InFlightSlots ?? 0;

    /// <summary>The members that govern the slots above ChosenSlot.</summary>
    public GroupMembers Members => _learner.Members;

    /// <summary>
    /// Whether a quorum of <see cref="Members"/> durably knows them: from then on nobody needs a removed node, and it
    /// may stop.
    /// </summary>
    public bool AreMembersSettled => _role.AreMembersSettled;

    /// <summary>
    /// Every slot up to here is durable in the caller's data store. Reported to the leader as far as the log knows it
    /// to be chosen.
    /// </summary>
    public Slot DurableSlot
    {
        get => _retention.DurableSlot;
        set => _retention.DurableSlot = value;
    }

    /// <summary>
    /// The lowest slot that the caller's log still has. While this node could lead itself, it refuses its pre-vote to a
    /// candidate that needs a lower one.
    /// </summary>
    public Slot FirstAvailable
    {
        get => _retention.FirstAvailable;
        set => _retention.FirstAvailable = value;
    }

    /// <summary>Every member has all slots up to here durably in its data store, so no log needs them.</summary>
    public Slot TrimSlot => _retention.TrimSlot;

    /// <summary>The slot of the no-op that opened this node's term as leader; Zero when it does not lead.</summary>
    public Slot OpeningSlot => Leadership?.OpeningSlot ?? Slot.Zero;

    /// <summary>
    /// Until this tick (exclusive) no other node can lead. The leader may serve reads on its own until then, once it
    /// has applied <see cref="OpeningSlot"/> and everything else up to the <see cref="ChosenSlot"/> of that moment,
    /// which a follower may already have applied and shown. 0 when there is no lease.
    /// </summary>
    public long LeaseUntilTick => Leadership?.LeaseUntilTick ?? 0;

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
    /// The caller dropped a <see cref="CatchUpReply"/> for want of room instead of stepping it. Its entries are asked
    /// for again as soon as <see cref="HoldsCatchUp"/>, which becomes true by this, is false again.
    /// </summary>
    public void CatchUpReplyDropped() => _catchUp.AnswerDropped();

    /// <summary>
    /// Whether others should lead rather than this node, because its disk is slow or nearly full. When it becomes true,
    /// the node stops leading, once; until it becomes false again, the node seeks votes only after nobody else has led
    /// for several election timeouts. No effect in a group of one.
    /// </summary>
    public bool IsReluctant
    {
        get => _role.IsReluctant;
        set => _role.IsReluctant = value;
    }

    /// <summary>
    /// Whether this node may lead at all. A node whose caller cannot apply what is chosen, because its data store is
    /// damaged, must not: it stops leading at once, seeks no votes, and ignores TimeoutNow. It votes, accepts and
    /// learns as before, because those rest on its log, which is sound. Applies to a group of one too.
    /// </summary>
    public bool MayLead
    {
        get => _role.MayLead;
        set => _role.MayLead = value;
    }

    private Leadership? Leadership => _role.Leadership;

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
        _role.Tick();
        _remoteReads.Expire();
        _catchUp.Request();
    }

    public void Step(Message message)
    {
        // Any node may send: the sender may know of members that this node has not learned yet. Only members are
        // counted, wherever something is counted.
        if (message.To != Self || !RoundLimit.Allows(message, _role.HighestRound))
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
            case Accepted accepted: Leadership?.OnAccepted(accepted); break;
            case Heartbeat heartbeat: OnHeartbeat(heartbeat); break;
            case HeartbeatReply reply: Leadership?.OnHeartbeatReply(reply); break;
            case ReadIndexRequest request: OnReadIndexRequest(request); break;
            case ReadIndexReply reply: _remoteReads.Answer(reply); break;
            case PreVote preVote: _role.OnPreVote(preVote); break;
            case PreVoteReply reply: _role.OnPreVoteReply(reply); break;
            case Prepare prepare: _role.OnPrepare(prepare); break;
            case Promise promise: _role.OnPromise(promise); break;
            case Refused refused: _role.OnRefused(refused); break;
            case CatchUpRequest request: _catchUp.Serve(request); break;
            case CatchUpReply reply: OnCatchUpReply(reply); break;
            case TimeoutNow timeout: _role.OnTimeoutNow(timeout); break;
            case ChosenIsSynced synced: OnChosenIsSynced(synced); break;
            default: throw new InvariantViolationException($"unknown message {message.GetType().Name}");
        }

        _role.UpdateMembers();
    }

    /// <summary>Whether <see cref="Propose"/> would take a payload of this size now.</summary>
    public ProposeStatus CanPropose(int bytes) =>
        Leadership is not Leadership leadership ? ProposeStatus.NotLeader
        : leadership.HasRoomFor(bytes) ? ProposeStatus.Proposed : ProposeStatus.WindowFull;

    /// <summary>Proposes a batch of commands in the next slot. The log owns the payload from now on.</summary>
    public ProposeResult Propose(ReadOnlyMemory<byte> payload)
    {
        ProposeStatus status = CanPropose(payload.Length);
        return status == ProposeStatus.Proposed
            ? new ProposeResult(status, Leadership!.Propose(ValueKind.Commands, payload), Leadership.Ballot)
            : new ProposeResult(status, Slot.Zero, Ballot.Zero);
    }

    /// <summary>
    /// Proposes a change of members. A change of voters goes through joint consensus, and this is the first of its two
    /// steps; whoever leads once it is chosen proposes the second. Nothing else is proposed before it is chosen.
    /// </summary>
    /// <param name="target">All members after the change, voters and learners.</param>
    /// <param name="knownSlot">
    /// The slot of the members that the caller based the change on. If they have changed since, nothing is proposed.
    /// </param>
    public ProposeResult ProposeMembers(IReadOnlyList<GroupMember> target, Slot knownSlot)
    {
        if (Leadership is not Leadership leadership)
        {
            return new ProposeResult(ProposeStatus.NotLeader, Slot.Zero, Ballot.Zero);
        }

        bool isPossible = Members.Slot == knownSlot && Members.FindFlaw(target) is null;
        return isPossible && leadership.ProposeMembers(Members.StepTo(target)) is Slot slot
            ? new ProposeResult(ProposeStatus.Proposed, slot, leadership.Ballot)
            : new ProposeResult(ProposeStatus.WindowFull, Slot.Zero, Ballot.Zero);
    }

    /// <summary>
    /// As leader: stops proposing, waits until the successor has every slot, and asks it to take over. False when this
    /// node does not lead, has not opened its term, or transfers leadership already, or when the successor has no vote.
    /// <see cref="Leader"/> shows the outcome. If it fails, this node resumes after an election timeout, at a higher
    /// ballot if the successor was already asked.
    /// </summary>
    public bool TryTransferLeadership(NodeId successor) => Leadership?.TryBeginTransfer(successor) ?? false;

    /// <summary>Whether this node leads and a transfer of its leadership is under way.</summary>
    public bool IsTransferringLeadership => Leadership?.Transfer.Successor is not null;

    /// <summary>As leader: the voter in touch that is most up to date; null if none is in touch.</summary>
    public NodeId? BestSuccessor() => Leadership?.BestSuccessor();

    /// <summary>
    /// As leader: the member's chosen slot, and how many ticks ago it reported it. Null when this node does not lead or
    /// has not heard the member in this term.
    /// </summary>
    public (Slot Chosen, long TicksAgo)? ProgressOf(NodeId member) =>
        Leadership?.ProgressOf(member) is { HeardTick: > 0 } progress
            ? (progress.Chosen, _step.Now - progress.HeardTick)
            : null;

    /// <summary>
    /// Asks for a read index for a batch of reads, all of which have begun. The result is reported once, as
    /// <see cref="Effects.Reads"/> under this id. Ids increase and are never reused, not even after a restart: an
    /// answer to an old request must not serve a later one (etcd-io/etcd#20418).
    /// </summary>
    public void ReadIndex(long id)
    {
        if (Leadership is Leadership leadership)
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
        Leadership?.Flush();
        if (_step.Effects.SyncsChosen || (_step.Effects.MustSync && _retention.WaitsForSync(_learner.ChosenSlot)))
        {
            _step.Effects.SendAfterPersist.Add(new ChosenIsSynced(Self, _learner.ChosenSlot));
        }

        return _step.End();
    }


    private void OnChosenIsSynced(ChosenIsSynced message)
    {
        _retention.NoteSynced(message.ChosenSlot);
        _learner.NoteSynced(message.ChosenSlot, _step.Effects);
    }

    private void OnAccept(Accept message)
    {
        if (_role.TryFollow(message.From, message.Ballot))
        {
            _follower.Accept(message);
        }
    }

    private void OnHeartbeat(Heartbeat message)
    {
        if (_role.TryFollow(message.From, message.Ballot))
        {
            _role.NoteSettled(message.SettledSlot);
            _follower.Answer(message);
        }
    }

    private void OnReadIndexRequest(ReadIndexRequest message)
    {
        if (Leadership is Leadership leadership)
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
        if (Leadership is Leadership leadership && message.Entries.Any(leadership.IsContradictedBy))
        {
            // A leader of a higher ballot chose another value in a slot where this node proposed. If this node reported
            // those slots as chosen in a heartbeat, its followers would take what they accepted at its ballot for the
            // chosen value.
            _role.EndContradictedTerm();
        }

        _learner.NoteChosen(message.ChosenSlot);
        bool learned = _learner.LearnFromPeer(message.Entries, _step.Effects);
        if (Role == Role.Follower && Leader is not null)
        {
            _follower.Learn();
        }

        _catchUp.NoteFirstAvailable(message.From, message.FirstAvailable);
        _catchUp.Answered(message.From, learned);
    }
}
