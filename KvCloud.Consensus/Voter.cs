namespace KvCloud.Consensus;

/// <summary>Answers candidates. While another may still lead nobody gets a vote: on that rests its lease.</summary>
internal sealed class Voter(NodeId self, Acceptor acceptor, Learner learner, Turn turn)
{
    public void Answer(PreVote message, bool mayBeLedByOther)
    {
        bool granted = message.Ballot > acceptor.Promised && !mayBeLedByOther;
        turn.Effects.Send.Add(new PreVoteReply(self, message.From, message.Ballot, granted, acceptor.Promised));
    }

    /// <summary>Promises, refuses with the highest ballot known here, or keeps still.</summary>
    /// <returns>Whether a ballot was promised that is higher than all before.</returns>
    public bool Answer(Prepare message, Ballot known, bool mayBeLedByOther)
    {
        if (message.Ballot < acceptor.Promised)
        {
            Refuse(message.From, message.Ballot, known);
            return false;
        }

        bool isNewBallot = message.Ballot > acceptor.Promised;
        if (isNewBallot && mayBeLedByOther)
        {
            return false;
        }

        Invariant.Check(acceptor.TryPromise(message.Ballot, turn.Effects), "a promise was refused after its check");
        Promise(message.From, message.Ballot, message.FirstUnchosen);
        return isNewBallot;
    }

    /// <summary>Says that the ballot is promised, once that is on disk, and what was accepted before.</summary>
    public void Promise(NodeId to, Ballot ballot, Slot firstUnchosen)
    {
        Slot below = Slot.Max(learner.ChosenSlot, firstUnchosen.Previous);
        turn.Effects.SendAfterPersist.Add(
            new Promise(self, to, ballot, learner.ChosenSlot, acceptor.AcceptedAbove(below)));
    }

    public void Refuse(NodeId to, Ballot ballot, Ballot known) =>
        turn.Effects.Send.Add(new Refused(self, to, ballot, known));
}
