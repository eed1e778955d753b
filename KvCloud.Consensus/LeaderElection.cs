namespace KvCloud.Consensus;

/// <summary>
/// Decides when this node may seek votes and when it may grant them. A node that has heard the leader within the
/// election timeout votes for nobody else; the leader's lease depends on that. Every wait is randomized, so that
/// proposers do not duel (Lamport, "Paxos Made Simple", 2.4).
/// </summary>
internal sealed class LeaderElection
{
    /// <summary>
    /// Election timeouts without a leader after which every node able to win has had several attempts.
    /// </summary>
    private const int LongWithoutLeaderTimeouts = 4;

    private readonly PaxosConfig _config;
    private readonly DeterministicRandom _random;
    private long _leaderHeardTick;
    private long _deadline;

    public LeaderElection(PaxosConfig config, Membership members, bool isNew)
    {
        _config = config;
        _random = new DeterministicRandom(config.Seed);

        // A node that has promised before may have granted a lease just before it went down, so it grants no vote for
        // as long as that lease may last. A new node has granted nothing and need not wait.
        _leaderHeardTick = isNew ? -config.ElectionTimeoutTicks : 0;
        // One that has always been alone has granted nobody anything; one that was left alone may have.
        _deadline = isNew
            ? 1 + _random.Next(config.ElectionJitterTicks)
            : config.ElectionTimeoutTicks + _random.Next(config.ElectionJitterTicks);
        if (members.IsAlone && members.Slot == Slot.Zero)
        {
            _deadline = 0;
        }
    }

    /// <summary>
    /// Whether this node leaves leading to others where they can: it waits as long as <see cref="IsLongWithoutLeader"/>
    /// takes before it seeks votes.
    /// </summary>
    public bool IsReluctant { get; set; }

    /// <summary>
    /// Where this node's last term as leader ended because nobody gave it the slots above, which a promise had reported
    /// as chosen. As long as it is there, its next ballot does without the promises of nodes that know more: who knows
    /// a slot to be chosen has forgotten what it accepted there, and cannot give it if its log is trimmed and its data
    /// are damaged. A quorum of the others still holds every value that may have been chosen. Null otherwise, and once
    /// a ballot was tried: if there is no such quorum, the next one counts every promise again.
    /// </summary>
    public Slot? StuckAbove { get; set; }

    /// <summary>The highest round seen anywhere, promised or refused. A candidate chooses a higher one.</summary>
    public long HighestRound { get; private set; }

    public void NoteRound(long round) => HighestRound = Math.Max(HighestRound, round);

    public void HeardLeader(long now)
    {
        _leaderHeardTick = now;
        Wait(now);
    }

    public bool IsDue(long now) => now >= _deadline;

    /// <summary>Whether the leader heard last may still hold a lease.</summary>
    public bool InLease(long now) => now - _leaderHeardTick < _config.ElectionTimeoutTicks;

    /// <summary>Nobody has led for so long that this node must vote even for a candidate that is far behind.</summary>
    public bool IsLongWithoutLeader(long now) =>
        now - _leaderHeardTick >= LongWithoutLeaderTimeouts * (long)_config.ElectionTimeoutTicks;

    /// <summary>Waits a full election timeout, plus jitter.</summary>
    public void Wait(long now) => _deadline = now
        + ((IsReluctant ? LongWithoutLeaderTimeouts : 1) * (long)_config.ElectionTimeoutTicks)
        + _random.Next(_config.ElectionJitterTicks);

    /// <summary>
    /// Waits briefly before the next attempt: no vote was lost; another candidate is probably at work.
    /// </summary>
    public void BackOff(long now)
    {
        if (IsReluctant)
        {
            Wait(now);
        }
        else
        {
            _deadline = now + _config.HeartbeatTicks + _random.Next(_config.ElectionJitterTicks);
        }
    }

    /// <summary>Waits as long as promises may take, which cost their acceptors a disk write.</summary>
    public void WaitForPromises(long now) =>
        _deadline = now + (_config.ElectionTimeoutTicks / 2) + _random.Next(_config.ElectionJitterTicks);
}
