namespace KvCloud.Consensus;

/// <summary>
/// The numbered heartbeat rounds by which the leader of one ballot confirms that it still leads. A round answered by a
/// quorum proves that no higher ballot had a quorum of promises when the round was sent. It confirms reads, renews the
/// lease, and counts for check-quorum.
/// </summary>
internal sealed class HeartbeatRounds(Membership members, long now)
{
    private readonly long[] _answered = new long[members.Voters.Count];
    private readonly Slot[] _durable = new Slot[members.Voters.Count];
    private readonly Queue<(long Round, long SentTick)> _sent = [];

    public long LastRound { get; private set; }

    /// <summary>The highest round that a quorum has answered; 0 for none.</summary>
    public long ConfirmedRound { get; private set; }

    /// <summary>When the confirmed round was sent: the lease and check-quorum are counted from here.</summary>
    public long ConfirmedSentTick { get; private set; } = now;

    public long LastSentTick { get; private set; } = now;

    /// <summary>Begins a round; the leader's own answer counts at once.</summary>
    public long Begin(long tick, Slot ownDurable)
    {
        LastRound++;
        LastSentTick = tick;
        _sent.Enqueue((LastRound, tick));
        Answer(members.Self, LastRound, ownDurable);
        return LastRound;
    }

    /// <summary>Counts an answer to a round of this ballot. True when it confirmed a new round.</summary>
    public bool Answer(NodeId from, long round, Slot durable)
    {
        int index = members.IndexOf(from);
        if (index < 0 || round > LastRound)
        {
            return false;
        }

        _answered[index] = Math.Max(_answered[index], round);
        _durable[index] = Slot.Max(_durable[index], durable);
        return Confirm();
    }

    /// <summary>
    /// Every voter has all slots up to here durably in its data store, as far as they have reported under this ballot.
    /// </summary>
    public Slot DurableEverywhere()
    {
        Slot least = _durable[0];
        foreach (Slot slot in _durable)
        {
            least = Slot.Min(least, slot);
        }

        return least;
    }

    private bool Confirm()
    {
        Span<long> sorted = stackalloc long[_answered.Length];
        _answered.CopyTo(sorted);
        sorted.Sort();
        long confirmed = sorted[^members.QuorumSize];
        if (confirmed <= ConfirmedRound)
        {
            return false;
        }

        ConfirmedRound = confirmed;
        while (_sent.TryPeek(out (long Round, long SentTick) sent) && sent.Round <= confirmed)
        {
            ConfirmedSentTick = sent.SentTick;
            _sent.Dequeue();
        }

        return true;
    }
}
