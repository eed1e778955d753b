namespace KvCloud.Consensus;

/// <summary>Answers candidates. While another may still lead nobody gets a vote: on that rests its lease.</summary>
internal sealed class Voter(PaxosConfig config, Acceptor acceptor, Learner learner, StepContext step)
{
    /// <summary>
    /// Says whether it would promise. While this node has not been long without a leader, and so may still become one
    /// itself, it refuses who is far behind it.
    /// </summary>
    public void Answer(PreVote message, bool inLeaseOfOther, bool mayLeadItself)
    {
        bool isRefusedAsBehind = mayLeadItself && IsFarBehind(message.FirstUnchosen);
        bool granted = message.Ballot > acceptor.Promised && !inLeaseOfOther && !isRefusedAsBehind;
        step.Effects.Send.Add(new PreVoteReply(config.Self, message.From, message.Ballot, granted, acceptor.Promised));
    }

    /// <summary>Promises, refuses with the highest ballot known here, or keeps still.</summary>
    /// <returns>Whether a ballot was promised that is higher than all before.</returns>
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

    /// <summary>Says that the ballot is promised, once that is on disk, and what was accepted before.</summary>
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
    /// A leader that missed more than a window proposes nothing of its own before it has fetched it. Paxos lets anybody
    /// lead; this is for the sake of writes, and holds for pre-votes only.
    /// </summary>
    private bool IsFarBehind(Slot firstUnchosen) =>
        learner.ChosenSlot.Value - firstUnchosen.Value >= config.MaxInFlightSlots;
}
