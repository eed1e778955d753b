using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication;

/// <summary>
/// Carries out changes of members and transfers of leadership, one at a time, from arrival to answer. Of the consensus
/// worker, but for <see cref="Post"/>.
/// </summary>
internal sealed class MemberChanges(
    PaxosConfig config, ReplicationOptions options, IConsensusTransport transport, FeatureLevelRaiser features)
{
    private const int MaxWaiting = 16;

    /// <summary>
    /// A leader that is to lose its vote transfers leadership first. If that fails it makes the change itself, and
    /// attempts no other transfer within this time: the change must go through even if nobody takes over.
    /// </summary>
    private const int TransferRetryMs = 10_000;

    private readonly Lock _gate = new();
    private readonly List<PendingMemberChange> _waiting = [];

    /// <summary>The time since which each learner has been close behind this leader.</summary>
    private readonly SortedDictionary<NodeId, long> _closeSinceMs = [];
    private long? _leadsSinceMs;
    private long? _transferredMs;
    private volatile bool _isAnyWaiting;
    private volatile bool _hasNew;
    private bool _isClosed;
    private UnderWay? _underWay;

    private sealed record UnderWay(PendingMemberChange Pending, Slot Slot, NodeId? Successor);

    /// <summary>Whether a change arrived since the last step. Older ones are retried in each step.</summary>
    public bool IsDue => _hasNew;

    /// <summary>
    /// Whether the member has reported sound data. A member with damaged data counts as one that does not answer, so
    /// that no change leaves a group whose data are all damaged.
    /// </summary>
    public Func<NodeId, bool> HasSoundData { get; set; } = _ => true;

    /// <summary>Queues a change, answered through <see cref="PendingMemberChange.Finish"/>. Any thread.</summary>
    public void Post(PendingMemberChange change)
    {
        lock (_gate)
        {
            if (!_isClosed && _waiting.Count < MaxWaiting)
            {
                _waiting.Add(change);
                _isAnyWaiting = true;
                _hasNew = true;
                return;
            }
        }

        change.Finish(_isClosed
            ? new CommandResult(KvStatus.ShuttingDown, Message: "the node is stopping; nothing was changed")
            : new CommandResult(
                KvStatus.Overloaded,
                Message: $"{MaxWaiting} changes of members are waiting; nothing was changed: try again"));
    }

    /// <summary>Called in each step, after the node has taken the step's messages.</summary>
    public void Step(PaxosNode node, long nowMs)
    {
        _hasNew = false;
        if (_underWay is not null && AnswerOf(node, nowMs) is CommandResult answer)
        {
            PendingMemberChange pending = _underWay.Pending;
            _underWay = null;
            pending.Finish(answer);
        }

        while (_isAnyWaiting && _underWay is null && TryPeek() is PendingMemberChange next)
        {
            if (Begin(node, next, nowMs) is not CommandResult refusal)
            {
                if (_underWay is null)
                {
                    // The leader is not ready yet; the next step tries again.
                    return;
                }

                Remove(next);
                return;
            }

            Remove(next);
            next.Finish(refusal);
        }
    }

    /// <summary>Called at each tick: tracks which learners have caught up.</summary>
    public void Tick(PaxosNode node, long nowMs)
    {
        if (node.Role != Role.Leader)
        {
            _closeSinceMs.Clear();
            _leadsSinceMs = null;
            return;
        }

        _leadsSinceMs ??= nowMs;
        IReadOnlyList<GroupMember> members = node.Members.Members;
        for (int i = 0; i < members.Count; i++)
        {
            if (members[i].IsVoter)
            {
                continue;
            }

            if (IsInTouch(node, members[i].Id)
                && node.ChosenSlot.Value - node.ProgressOf(members[i].Id)!.Value.Chosen.Value
                    <= ReplicationOptions.MaxPromoteLagSlots)
            {
                _closeSinceMs.TryAdd(members[i].Id, nowMs);
            }
            else
            {
                _closeSinceMs.Remove(members[i].Id);
            }
        }
    }

    /// <summary>The node stops: answers everything that is pending.</summary>
    public void Abandon()
    {
        PendingMemberChange[] left;
        lock (_gate)
        {
            _isClosed = true;
            left = [.. _waiting];
            _waiting.Clear();
        }

        foreach (PendingMemberChange change in left)
        {
            change.Finish(new CommandResult(
                KvStatus.ShuttingDown, Message: "the node is stopping; nothing was changed"));
        }

        _underWay?.Pending.Finish(new CommandResult(
            KvStatus.OutcomeUnknown,
            Message: "the node stopped while the change was in consensus: it may or may not take effect"));
        _underWay = null;
    }

    /// <summary>The answer to a change that is refused or done; null if it is under way now, or must wait.</summary>
    private CommandResult? Begin(PaxosNode node, PendingMemberChange next, long nowMs)
    {
        if (node.Role != Role.Leader)
        {
            return node.Leader is null
                ? new CommandResult(KvStatus.NoLeader, Message: "no leader is known at the moment; nothing was changed")
                : new CommandResult(KvStatus.NotLeader, Message: "Not leader: nothing was changed");
        }

        if (next.DeadlineMs <= nowMs)
        {
            return new CommandResult(
                KvStatus.Timeout, Message: "the deadline passed before the change was proposed; nothing was changed");
        }

        return next.Change.Kind == MemberAction.TransferLeadership
            ? BeginTransfer(node, next)
            : BeginChange(node, next, nowMs);
    }

    private CommandResult? BeginChange(PaxosNode node, PendingMemberChange next, long nowMs)
    {
        if (node.Members.IsJoint || !features.KnowsLevel(node))
        {
            return null;
        }

        if (next.Change.Kind is MemberAction.Add or MemberAction.Promote or MemberAction.Replace
            && next.Change.Node is NodeId joining && features.Refuse(joining) is string behind)
        {
            return new CommandResult(KvStatus.InvalidArgument, Message: behind);
        }

        string? refusal = MemberRules.Plan(
            node.Members,
            next.Change,
            DataAfter(node.Members, next.Change),
            learner => IsCaughtUp(learner, nowMs),
            member => member == node.Self || (IsInTouch(node, member) && HasSoundData(member)),
            out IReadOnlyList<GroupMember>? target);
        if (refusal is not null)
        {
            return AwaitsFirstReports(node, nowMs)
                ? null
                : new CommandResult(KvStatus.InvalidArgument, Message: refusal);
        }

        if (target is null)
        {
            // Done already, perhaps by an earlier attempt at this change. Until it is settled, a removed member may
            // still be needed.
            return node.AreMembersSettled ? new CommandResult(KvStatus.Ok) : null;
        }

        if (TransfersLeadershipFirst(node, target, nowMs))
        {
            return null;
        }

        ProposeResult result = node.ProposeMembers(target, node.Members.Slot);
        if (result.Status == ProposeStatus.Proposed)
        {
            _underWay = new UnderWay(next, result.Slot, null);
        }

        return null;
    }

    /// <summary>
    /// A leader that is to lose its vote transfers leadership first, and the successor makes the change. A leader that
    /// makes it itself can propose nothing afterwards: writes would wait until it is settled and another is elected.
    /// </summary>
    private bool TransfersLeadershipFirst(PaxosNode node, IReadOnlyList<GroupMember> target, long nowMs)
    {
        if (target.Any(member => member.Id == node.Self && member.IsVoter))
        {
            return false;
        }

        if (node.IsTransferringLeadership)
        {
            return true;
        }

        if (nowMs - _transferredMs < TransferRetryMs
            || node.BestSuccessor() is not NodeId successor || !node.TryTransferLeadership(successor))
        {
            return false;
        }

        _transferredMs = nowMs;
        return true;
    }

    /// <summary>
    /// Whether this leader has led for so short a time that a member's silence means nothing yet.
    /// </summary>
    private bool AwaitsFirstReports(PaxosNode node, long nowMs) =>
        (_leadsSinceMs is not long since
            || nowMs - since < (long)config.ElectionTimeoutTicks * ReplicaClock.TickMs)
        && node.Members.Members.Any(member => member.Id != node.Self && node.ProgressOf(member.Id) is null);

    /// <summary>
    /// The member's data after the change: its addresses, and for a new voter the incarnation of its data directory, so
    /// that members that have never met it refuse its id with another directory.
    /// </summary>
    private ReadOnlyMemory<byte>? DataAfter(GroupMembers members, MemberChange change)
    {
        if (change.Node is not NodeId node)
        {
            return null;
        }

        var data = MemberData.Of(members, node.Value);
        switch (change.Kind)
        {
            case MemberAction.Add or MemberAction.Update:
                return (data with
                {
                    PeerEndpoint = change.PeerEndpoint ?? data.PeerEndpoint,
                    ClientEndpoint = change.ClientEndpoint ?? data.ClientEndpoint,
                }).Encode();
            case MemberAction.Promote or MemberAction.Replace
                when transport.IdentityOf(node) is PeerIdentity identity:
                return (data with
                {
                    Incarnation = identity.Incarnation,
                    ClientEndpoint = data.ClientEndpoint.Length > 0 ? data.ClientEndpoint : identity.ClientEndpoint,
                    HttpEndpoint = identity.HttpEndpoint,
                }).Encode();
            default:
                return null;
        }
    }

    private CommandResult? BeginTransfer(PaxosNode node, PendingMemberChange next)
    {
        NodeId? successor = next.Change.Node ?? node.BestSuccessor();
        if (successor == node.Self)
        {
            return new CommandResult(KvStatus.Ok);
        }

        if (successor is not NodeId named)
        {
            return new CommandResult(
                KvStatus.InvalidArgument,
                Message: "no other voter answers the leader, so nobody can take over; leadership stays here");
        }

        if (node.Members.Find(named) is not { IsVoter: true } || !IsInTouch(node, named))
        {
            return new CommandResult(
                KvStatus.InvalidArgument,
                Message: $"{named} cannot take over, because it has no vote or does not answer; leadership stays here");
        }

        if (node.TryTransferLeadership(named))
        {
            _underWay = new UnderWay(next, Slot.Zero, named);
        }

        return null;
    }

    /// <summary>The answer to the change under way; null while its outcome is open.</summary>
    private CommandResult? AnswerOf(PaxosNode node, long nowMs)
    {
        (PendingMemberChange pending, Slot slot, NodeId? successor) = _underWay!;
        if (successor is not null)
        {
            return node.Leader == successor ? new CommandResult(KvStatus.Ok)
                : node.Leader is NodeId other && other != node.Self ? new CommandResult(
                    KvStatus.Conflict, Message: $"{other} was elected instead of {successor}")
                : node.Role == Role.Leader && !node.IsTransferringLeadership ? new CommandResult(
                    KvStatus.Timeout, Message: $"{successor} did not take over: this node still leads")
                : pending.DeadlineMs <= nowMs ? new CommandResult(
                    KvStatus.Timeout, Message: $"{successor} did not take over before the deadline; it still may")
                : null;
        }

        if (node.ChosenSlot >= slot && node.Members.Slot < slot)
        {
            return new CommandResult(
                KvStatus.NotLeader, Message: "Not leader: another leader's value took the slot; nothing was changed");
        }

        return node.Members.Slot >= slot && !node.Members.IsJoint && node.AreMembersSettled
            ? new CommandResult(KvStatus.Ok)
            : pending.DeadlineMs <= nowMs ? new CommandResult(
                KvStatus.OutcomeUnknown, Message: "the deadline passed while the change was in consensus: it may or may"
                    + " not take effect")
            : null;
    }

    private bool IsCaughtUp(NodeId learner, long nowMs) =>
        _closeSinceMs.TryGetValue(learner, out long sinceMs) && nowMs - sinceMs >= options.PromoteAfterMs;

    private bool IsInTouch(PaxosNode node, NodeId member) =>
        node.ProgressOf(member) is { } progress && progress.TicksAgo <= config.ElectionTimeoutTicks;

    private PendingMemberChange? TryPeek()
    {
        lock (_gate)
        {
            return _waiting.Count > 0 ? _waiting[0] : null;
        }
    }

    private void Remove(PendingMemberChange change)
    {
        lock (_gate)
        {
            _waiting.Remove(change);
            _isAnyWaiting = _waiting.Count > 0;
        }
    }
}
