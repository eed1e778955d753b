namespace KvCloud.Consensus;

/// <summary>
/// One attempt by this node to become leader at one ballot: first the pre-votes, which bind nobody, then the promises.
/// It ends in a <see cref="Leadership"/> or is abandoned. If the leader has asked this node to take over, it skips the
/// pre-votes.
/// </summary>
internal sealed class Candidacy
{
    private readonly Membership _members;
    private readonly PaxosConfig _config;
    private readonly Acceptor _acceptor;
    private readonly Learner _learner;
    private readonly StepContext _step;
    /// <summary>The ballot of the leader that asked this node to take over; of round 0 if none did.</summary>
    private readonly Ballot _transferOf;

    /// <summary>If set, promises of nodes that know more than this to be chosen are not counted.</summary>
    private readonly Slot? _maxChosenSlot;

    private uint _preVotes;
    private long _preparedAt;

    public Candidacy(
        Ballot ballot,
        Membership members,
        PaxosConfig config,
        Acceptor acceptor,
        Learner learner,
        StepContext step,
        Ballot transferOf,
        Slot? maxChosenSlot)
    {
        Ballot = ballot;
        _maxChosenSlot = maxChosenSlot;
        _transferOf = transferOf;
        _members = members;
        _config = config;
        _acceptor = acceptor;
        _learner = learner;
        _step = step;
        _preVotes = members.Add(0, members.Self);
    }

    public Ballot Ballot { get; }

    /// <summary>Null during the pre-votes.</summary>
    public Proposer? Proposer { get; private set; }

    public bool IsPreparing => Proposer is not null;

    public bool HasPreVotes => _members.IsQuorum(_preVotes);

    public bool IsOverdue => IsPreparing && _step.Now - _preparedAt >= _config.ResendTicks;

    public void AskForPreVotes()
    {
        foreach (NodeId peer in _members.OtherVoters)
        {
            _step.Effects.Send.Add(new PreVote(_members.Self, peer, Ballot, _learner.ChosenSlot.Next));
        }
    }

    /// <summary>True when this answer completed the quorum.</summary>
    public bool CountPreVote(PreVoteReply reply)
    {
        if (IsPreparing || reply.Ballot != Ballot || !reply.Granted)
        {
            return false;
        }

        _preVotes = _members.Add(_preVotes, reply.From);
        return HasPreVotes;
    }

    /// <summary>
    /// Promises its own ballot and sends the Prepares. False when a higher ballot has been promised meanwhile.
    /// </summary>
    public bool TryPrepare()
    {
        if (!_acceptor.TryPromise(Ballot, _step.Effects))
        {
            return false;
        }

        Proposer = new Proposer(Ballot, _members, _config);
        Prepare();
        return true;
    }

    /// <summary>
    /// Sends Prepare to every voter that has not promised yet. It leaves only once this node's own promise is on disk,
    /// so that a crash cannot make the node use a ballot twice.
    /// </summary>
    public void Prepare()
    {
        _preparedAt = _step.Now;
        foreach (NodeId peer in _members.OtherVoters)
        {
            if (!Proposer!.HasPromised(peer))
            {
                _step.Effects.SendAfterPersist.Add(
                    new Prepare(_members.Self, peer, Ballot, _learner.ChosenSlot.Next, _transferOf));
            }
        }
    }

    /// <summary>Whether the promise is not counted, because its sender knows more to be chosen.</summary>
    public bool Ignores(Promise promise) => Slot.Max(promise.ChosenSlot, promise.MembersSlot) > _maxChosenSlot;

    /// <summary>True when this promise completed the quorum.</summary>
    public bool CountPromise(Promise promise) =>
        IsPreparing && promise.Ballot == Ballot && !Ignores(promise) && Proposer!.CountPromise(promise);
}
