namespace KvCloud.Consensus;

/// <summary>
/// Read indexes that this node has asked the leader for. Each is answered once: by the leader, or as unconfirmed when
/// no answer comes in time or the leader is followed no longer.
/// </summary>
internal sealed class RemoteReads(PaxosConfig config, Learner learner, StepContext step)
{
    /// <summary>By id, which is also the order of asking: when each was sent.</summary>
    private readonly SortedDictionary<long, long> _sent = [];

    public void Ask(NodeId leader, long id)
    {
        _sent.Add(id, step.Now);
        step.Effects.Send.Add(new ReadIndexRequest(config.Self, leader, id));
    }

    /// <summary>Passes the answer on, if anybody still waits for it.</summary>
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
