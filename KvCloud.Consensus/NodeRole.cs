namespace KvCloud.Consensus;

/// <summary>
/// Which role this node has, whom it follows, and every transition between follower, candidate and leader. At most one
/// of candidacy and leadership exists at a time, and each is a new object for a new ballot.
/// </summary>
internal sealed class NodeRole(NodeParts parts, Membership members)
{
    private readonly PaxosConfig _config = parts.Config;
    private readonly Acceptor _acceptor = parts.Acceptor;
    private readonly Learner _learner = parts.Learner;
    private readonly LeaderElection _election = parts.Election;
    private readonly Voter _voter = parts.Voter;
    private readonly CatchUp _catchUp = parts.CatchUp;
    private readonly Follower _follower = parts.Follower;
    private readonly LogRetention _retention = parts.Retention;
    private readonly RemoteReads _remoteReads = parts.RemoteReads;
    private readonly StepContext _step = parts.Step;
    private Membership _members = members;
    private Slot _settledSlot;
    private Candidacy? _candidacy;
    private bool _mayLead = true;

    public Role Current => Leadership is not null ? Role.Leader
        : _candidacy is null ? Role.Follower
        : _candidacy.IsPreparing ? Role.Candidate : Role.PreCandidate;

    /// <summary>This node's term as leader; null while it does not lead.</summary>
    public Leadership? Leadership { get; private set; }

    /// <summary>See <see cref="PaxosNode.Leader"/>.</summary>
    public NodeId? Leader { get; private set; }

    /// <summary>See <see cref="PaxosNode.Ballot"/>.</summary>
    public Ballot Ballot { get; private set; } = Ballot.Zero;

    /// <summary>The highest ballot that this node has promised or follows.</summary>
    public Ballot Known => Ballot.Max(_acceptor.Promised, Ballot);

    /// <summary>The highest round that this node knows of.</summary>
    public long HighestRound => Math.Max(_election.HighestRound, Known.Round);

    /// <summary>See <see cref="PaxosNode.AreMembersSettled"/>.</summary>
    public bool AreMembersSettled => SettledSlot >= _learner.Members.Slot;

    /// <summary>See <see cref="PaxosNode.IsReluctant"/>.</summary>
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
            if (value && (Leadership is not null || _candidacy is not null))
            {
                StepDown();
            }

            _election.Wait(_step.Now);
        }
    }

    /// <summary>See <see cref="PaxosNode.MayLead"/>.</summary>
    public bool MayLead
    {
        get => _mayLead;
        set
        {
            if (_mayLead && !value && (Leadership is not null || _candidacy is not null))
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

    private NodeId Self => _config.Self;
    private Slot SettledSlot => Slot.Max(_settledSlot, Leadership?.SettledSlot ?? Slot.Zero);

    /// <summary>After each message: counts by the members that the learner knows, and leaves if this is due.</summary>
    public void UpdateMembers()
    {
        if (_learner.Members != _members.Group)
        {
            Reconfigure();
        }

        if (Leadership is not null && !_members.IsVoter(Self) && AreMembersSettled)
        {
            LeaveLeadership(Leadership);
        }
    }

    /// <summary>The leader has told up to where changes of members are settled.</summary>
    public void NoteSettled(Slot slot) => _settledSlot = Slot.Max(_settledSlot, slot);

    /// <summary>Time has passed: the leader ticks, or steps down; a node without a leader seeks votes.</summary>
    public void Tick()
    {
        if (Leadership is Leadership leadership)
        {
            TickLeader(leadership);
        }
        else if (_election.IsDue(_step.Now))
        {
            SeekVotes();
        }
        else if (_candidacy is { IsOverdue: true } candidacy)
        {
            candidacy.Prepare();
        }
    }

    private void TickLeader(Leadership leadership)
    {
        bool isCutOff = !_members.IsAlone && leadership.TicksOutOfTouch > _config.ElectionTimeoutTicks;
        bool cannotLearn = _catchUp.StuckTicks > _config.ElectionTimeoutTicks;
        if (leadership.Transfer.HasFailed)
        {
            // TimeoutNow cannot be taken back, so this ballot never has a lease again: go on at a new ballot.
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
            // Leave the next term to another node. A leader that was merely cut off may try again soon.
            _election.StuckAbove = _learner.ChosenSlot;
            _election.Wait(_step.Now);
        }
        else
        {
            _election.BackOff(_step.Now);
        }
    }

    /// <summary>
    /// No leader was heard within the election timeout. A node that has no vote, or may not lead, waits for another to
    /// lead. The exception: it may be the only one that knows of a change of members which the new voters have yet to
    /// learn, like a leader that the change removed and that stepped down. After several election timeouts without a
    /// leader such a node stands for election, with the votes of the new voters, to tell them.
    /// </summary>
    private void SeekVotes()
    {
        bool mustSpreadMembers = !AreMembersSettled && _election.IsLongWithoutLeader(_step.Now);
        if (_mayLead && (_members.IsVoter(Self) || mustSpreadMembers))
        {
            BeginCandidacy();
        }
        else
        {
            StepDown();
            _election.Wait(_step.Now);
        }
    }

    private void BeginCandidacy(Ballot transferOf = default)
    {
        StepDown();
        long round = HighestRound;
        Invariant.Check(round < long.MaxValue, "no round is left for another election");
        _candidacy = new Candidacy(
            new Ballot(round + 1, Self), _members, _config, _acceptor, _learner, _step, transferOf,
            maxChosenSlot: _election.StuckAbove == _learner.ChosenSlot ? _election.StuckAbove : null);
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

    public void OnTimeoutNow(TimeoutNow message)
    {
        if (Current == Role.Follower && Leader == message.From && Ballot == message.Ballot && _members.IsVoter(Self)
            && _mayLead)
        {
            BeginCandidacy(message.Ballot);
        }
    }

    public void OnPreVote(PreVote message) => _voter.Answer(
        message, InLeaseOfOther(message.From), mayLeadItself: _mayLead && !_election.IsLongWithoutLeader(_step.Now));

    public void OnPreVoteReply(PreVoteReply message)
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

        _election.StuckAbove = null;
        _election.WaitForPromises(_step.Now);
        _voter.Promise(Self, candidacy.Ballot, _learner.ChosenSlot.Next);
    }

    public void OnPrepare(Prepare message)
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

    public void OnPromise(Promise message)
    {
        if (_candidacy is Candidacy outdated && message.Ballot == outdated.Ballot
            && message.MembersSlot > _members.Slot && !outdated.Ignores(message))
        {
            // Elected by former members, it could propose nothing before it has learned the current ones.
            _learner.NoteChosen(message.MembersSlot);
            _catchUp.Preferred = message.From;
            StepDown();
            _election.BackOff(_step.Now);
        }
        else if (_candidacy is Candidacy candidacy && candidacy.CountPromise(message))
        {
            BecomeLeader(candidacy.Proposer!);
        }
        else if (Leadership?.OnPromise(message) is NodeId source)
        {
            _catchUp.Preferred = source;
        }
    }

    private void BecomeLeader(Proposer proposer)
    {
        _candidacy = null;
        Leadership = new Leadership(proposer, _members, _config, _acceptor, _learner, _retention, _step, _settledSlot);
        Leader = Self;
        Ballot = proposer.Ballot;
        _catchUp.Restart(Leadership.Open());
        _remoteReads.RefuseAll();
    }

    public void OnRefused(Refused message)
    {
        _election.NoteRound(message.Promised.Round);
        bool wasLeader = Leadership is not null;
        Ballot? own = Leadership?.Ballot ?? _candidacy?.Proposer?.Ballot;
        if (message.Ballot != own || message.Promised <= message.Ballot)
        {
            return;
        }

        bool hasSuccessor = Leadership?.Transfer.HasAsked(message.Promised.Node) ?? false;
        StepDown();
        if (hasSuccessor)
        {
            // The successor has promised its own ballot, and its Prepare is about to arrive.
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

    /// <summary>Ends this node's term, because another leader has chosen what contradicts it.</summary>
    public void EndContradictedTerm()
    {
        StepDown();
        _election.Wait(_step.Now);
    }

    /// <summary>Gives up this node's candidacy or leadership. The promise stays.</summary>
    private void StepDown()
    {
        Leader = null;
        _candidacy = null;
        _settledSlot = SettledSlot;
        Leadership?.End();
        Leadership = null;
        _remoteReads.RefuseAll();
    }

    /// <summary>Whether a leader other than this candidate may hold a lease granted by this node.</summary>
    private bool InLeaseOfOther(NodeId candidate)
    {
        if (Leadership is Leadership leadership)
        {
            return leadership.TicksOutOfTouch < _config.ElectionTimeoutTicks;
        }

        return Leader != candidate && _election.InLease(_step.Now);
    }

    /// <summary>
    /// Whether the leader whose lease this node may have granted has itself asked the candidate to take over, having
    /// given up its lease before. It must be the leader that this node heard last.
    /// </summary>
    private bool IsTransferOfLeader(Prepare message) => !message.TransferOf.IsZero && message.TransferOf == Ballot;

    /// <summary>Replaces the members in every part that counts by them.</summary>
    private void Reconfigure()
    {
        _members = new Membership(Self, _learner.Members);
        _catchUp.Members = _members;
        if (_candidacy is not null)
        {
            StepDown();
            _election.BackOff(_step.Now);
        }

        if (Leadership is Leadership leadership)
        {
            leadership.Reconfigure(_members);
        }
    }

    /// <summary>
    /// This node has lost its vote, and a quorum of the new voters durably knows it. Until then it stays leader without
    /// proposing anything, because voters that have not learned the change may need it.
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

    /// <summary>Starts to follow the leader of the ballot. False when the ballot is obsolete.</summary>
    public bool TryFollow(NodeId from, Ballot ballot)
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

        if (Current != Role.Follower || Leader != from || Ballot != ballot)
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
}
