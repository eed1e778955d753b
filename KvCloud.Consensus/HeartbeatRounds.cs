namespace KvCloud.Consensus;

/// <summary>
/// The numbered heartbeat rounds by which the leader of one ballot confirms that it still leads. A round answered by a
/// quorum proves that no higher ballot had a quorum of promises when the round was sent. It confirms reads, renews the
/// lease, and counts for check-quorum.
/// </summary>
internal sealed class HeartbeatRounds(Membership members, long now)
{
    private Membership _members = members;
    private long[] _answered = new long[members.Count];
    private Progress[] _progress = new Progress[members.Count];
    private readonly Queue<(long Round, long SentTick)> _sent = [];

    /// <summary>What a member has reported in this term, and the tick of its last report; 0 for never.</summary>
    internal readonly record struct Progress(Slot Durable, Slot Chosen, long HeardTick);

    public long LastRound { get; private set; }

    /// <summary>The highest round that a quorum has answered; 0 for none.</summary>
    public long ConfirmedRound { get; private set; }

    /// <summary>When the confirmed round was sent: the lease and check-quorum are counted from here.</summary>
    public long ConfirmedSentTick { get; private set; } = now;

    public long LastSentTick { get; private set; } = now;

    /// <summary>Begins a round; the leader's own answer counts at once.</summary>
    public long Begin(long tick, Slot ownDurable, Slot ownChosen)
    {
        LastRound++;
        LastSentTick = tick;
        _sent.Enqueue((LastRound, tick));
        Answer(_members.Self, LastRound, new Progress(ownDurable, ownChosen, tick));
        return LastRound;
    }

    /// <summary>Counts an answer to a round of this ballot. True when it confirmed a new round.</summary>
    public bool Answer(NodeId from, long round, in Progress progress)
    {
        int index = _members.IndexOf(from);
        if (index < 0 || round > LastRound)
        {
            return false;
        }

        _answered[index] = Math.Max(_answered[index], round);
        _progress[index] = new Progress(
            Slot.Max(_progress[index].Durable, progress.Durable),
            Slot.Max(_progress[index].Chosen, progress.Chosen),
            progress.HeardTick);
        return Confirm();
    }

    /// <summary>
    /// Counts by these members from now on. Confirmed rounds stay confirmed: a quorum of the former members did it.
    /// </summary>
    public void Reconfigure(Membership members)
    {
        long[] answered = new long[members.Count];
        var progress = new Progress[members.Count];
        for (int i = 0; i < members.Count; i++)
        {
            int before = _members.IndexOf(members.Group.Members[i].Id);
            if (before >= 0)
            {
                answered[i] = _answered[before];
                progress[i] = _progress[before];
            }
        }

        (_members, _answered, _progress) = (members, answered, progress);
    }

    /// <summary>What the member has reported; default for a node that is not a member.</summary>
    public Progress ProgressOf(NodeId node) =>
        _members.IndexOf(node) is >= 0 and int index ? _progress[index] : default;

    /// <summary>
    /// Every member has reported in this term that it has all slots up to here durably in its data store.
    /// </summary>
    public Slot DurableEverywhere()
    {
        Slot least = _progress[0].Durable;
        foreach (Progress progress in _progress)
        {
            Slot slot = progress.Durable;
            least = Slot.Min(least, slot);
        }

        return least;
    }

    /// <summary>A quorum knows everything up to here to be chosen.</summary>
    public Slot ChosenByQuorum()
    {
        Span<long> chosen = stackalloc long[_progress.Length];
        for (int i = 0; i < chosen.Length; i++)
        {
            chosen[i] = _progress[i].Chosen.Value;
        }

        return new Slot(_members.ReachedByQuorum(chosen));
    }

    private bool Confirm()
    {
        long confirmed = _members.ReachedByQuorum(_answered);
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
