namespace KvCloud.Consensus;

/// <summary>
/// Answers candidates. Nobody gets a vote while another node may still hold a lease; the lease depends on that.
/// </summary>
internal sealed class Voter(
    PaxosConfig config, Acceptor acceptor, Learner learner, LogRetention retention, StepContext step)
{
    /// <summary>
    /// Answers a pre-vote. While this node could still become leader itself, because the group has not been without a
    /// leader for long, it refuses a candidate that is far behind it.
    /// </summary>
    public void Answer(PreVote message, bool inLeaseOfOther, bool mayLeadItself)
    {
        bool isRefusedAsBehind = mayLeadItself && IsFarBehind(message.FirstUnchosen);
        bool granted = message.Ballot > acceptor.Promised && !inLeaseOfOther && !isRefusedAsBehind;
        step.Effects.Send.Add(new PreVoteReply(config.Self, message.From, message.Ballot, granted, acceptor.Promised));
    }

    /// <summary>Promises, refuses with the highest ballot known here, or stays silent.</summary>
    /// <returns>Whether a ballot higher than all previous ones was promised.</returns>
    public bool Answer(Prepare message, Ballot known, bool inLeaseOfOther)
    {
        if (message.Ballot < acceptor.Promised)
        {
            Refuse(message.From, message.Ballot, known);
            return false;
        }

        bool isNewBallot = message.Ballot > acceptor.Promised;
        if (isNewBallot && inLeaseOfOther)
        {
            return false;
        }

        Invariant.Check(acceptor.TryPromise(message.Ballot, step.Effects), "a promise was refused after its check");
        Promise(message.From, message.Ballot, message.FirstUnchosen);
        return isNewBallot;
    }

    /// <summary>Sends the promise, and what was accepted before, once the promise is on disk.</summary>
    public void Promise(NodeId to, Ballot ballot, Slot firstUnchosen)
    {
        var below = Slot.Max(learner.ChosenSlot, firstUnchosen.Previous);
        step.Effects.SendAfterPersist.Add(
            new Promise(
                config.Self,
                to,
                ballot,
                learner.ChosenSlot,
                acceptor.AcceptedAbove(below),
                learner.Members.Slot));
    }

    public void Refuse(NodeId to, Ballot ballot, Ballot known) =>
        step.Effects.Send.Add(new Refused(config.Self, to, ballot, known));

    /// <summary>
    /// A leader that missed more than a window of slots proposes nothing of its own until it has fetched them, and one
    /// that misses slots below this node's log may need a snapshot, and loses the lead when it restarts to install it.
    /// Paxos lets any node lead; this check serves write availability and applies to pre-votes only.
    /// </summary>
    private bool IsFarBehind(Slot firstUnchosen) =>
        learner.ChosenSlot.Value - firstUnchosen.Value >= config.MaxInFlightSlots
        || firstUnchosen < retention.FirstAvailable;
}
