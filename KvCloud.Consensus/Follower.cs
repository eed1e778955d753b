namespace KvCloud.Consensus;

/// <summary>
/// What a node does for the leader it follows: accepts entries, learns chosen slots, answers heartbeats.
/// </summary>
internal sealed class Follower(
    PaxosConfig config, Acceptor acceptor, Learner learner, LogRetention retention, StepContext step,
    bool remembersPromise)
{
    private Ballot _ballot = Ballot.Zero;
    private Slot _leaderChosen;
    private bool _remembersPromise = remembersPromise;

    /// <summary>This node has a durable promise: after a crash it will know that it may have granted a lease.</summary>
    public void NotePromiseOnDisk() => _remembersPromise = true;

    /// <summary>Starts to follow another ballot.</summary>
    public void Begin(Ballot ballot)
    {
        _ballot = ballot;
        _leaderChosen = Slot.Zero;
    }

    /// <summary>Promises the ballot if it has not yet, and accepts the entries.</summary>
    public void Accept(Accept message)
    {
        Invariant.Check(acceptor.TryPromise(message.Ballot, step.Effects), "a vote for less than the promise");
        var slots = new List<Slot>(message.Entries.Count);
        foreach (LogEntry entry in message.Entries)
        {
            if (entry.Slot > learner.ChosenSlot)
            {
                if (!acceptor.HasRoomFor(entry.Slot))
                {
                    continue;
                }

                acceptor.Accept(entry.Slot, entry.Value, step.Effects);
            }

            slots.Add(entry.Slot);
        }

        if (slots.Count > 0)
        {
            step.Effects.SendAfterPersist.Add(new Accepted(config.Self, message.From, message.Ballot, slots));
        }

        NoteChosen(message.ChosenSlot);
    }

    public void Answer(Heartbeat message)
    {
        retention.NoteNotNeeded(message.TrimSlot);
        NoteChosen(message.ChosenSlot);
        var reply = new HeartbeatReply(
            config.Self, message.From, message.Ballot, message.Round, learner.SettledChosen, retention.NotNeededUpTo);
        if (_remembersPromise)
        {
            step.Effects.Send.Add(reply);
            return;
        }

        // The answer grants a lease. A node that has promised nothing would forget that in a crash, restart as a new
        // node and vote at once. So it promises first, and answers once the promise is on disk.
        acceptor.TryPromise(message.Ballot, step.Effects);
        step.Effects.SendAfterPersist.Add(reply);
        step.Effects.SendAfterPersist.Add(reply with { To = config.Self });
    }

    /// <summary>Learns the slots that the leader reported as chosen and that this node accepted from it.</summary>
    public void Learn() => learner.FollowLeader(_ballot, _leaderChosen, step.Effects);

    private void NoteChosen(Slot upTo)
    {
        _leaderChosen = Slot.Max(_leaderChosen, upTo);
        Learn();
    }
}
