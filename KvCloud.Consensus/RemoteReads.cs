namespace KvCloud.Consensus;

/// <summary>
/// Read indexes that this node has requested from the leader. Each is answered once: by the leader, or as unconfirmed
/// when no answer arrives in time or this node stops following that leader.
/// </summary>
internal sealed class RemoteReads(PaxosConfig config, Learner learner, StepContext step)
{
    /// <summary>When each request was sent, by id. Ids increase, so this is also the order of the requests.</summary>
    private readonly SortedDictionary<long, long> _sent = [];

    public void Ask(NodeId leader, long id)
    {
        _sent.Add(id, step.Now);
        step.Effects.Send.Add(new ReadIndexRequest(config.Self, leader, id));
    }

    /// <summary>Passes the answer on if the request is still pending.</summary>
    public void Answer(ReadIndexReply reply)
    {
        if (!_sent.Remove(reply.Id))
        {
            return;
        }

        if (reply.Confirmed)
        {
            learner.NoteChosen(reply.Slot);
        }

        step.Effects.Reads.Add(new ReadIndexResult(reply.Id, reply.Confirmed, reply.Slot));
    }

    public void Refuse(long id) => step.Effects.Reads.Add(new ReadIndexResult(id, Confirmed: false, Slot.Zero));

    public void Expire()
    {
        while (_sent.Count > 0)
        {
            (long id, long sentTick) = _sent.First();
            if (step.Now - sentTick < 2L * config.ResendTicks)
            {
                return;
            }

            _sent.Remove(id);
            Refuse(id);
        }
    }

    public void RefuseAll()
    {
        foreach (long id in _sent.Keys)
        {
            Refuse(id);
        }

        _sent.Clear();
    }
}
