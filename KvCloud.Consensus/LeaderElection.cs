namespace KvCloud.Consensus;

/// <summary>
/// When this node may seek votes, and when it may give its own. A node that has heard the leader within the election
/// timeout gives its vote to nobody else: on that rests the leader's lease. Every wait is drawn anew, so that proposers
/// do not duel (Lamport, "Paxos Made Simple", 2.4).
/// </summary>
internal sealed class LeaderElection
{
    /// <summary>
    /// Election timeouts without a leader after which everybody who was able to win had several attempts at it.
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

        // A node that has promised before may have granted a lease just before it went down: it keeps still for as
        // long. A new one has granted nothing and need not wait.
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

    /// <summary>The highest round seen anywhere, promised or refused: a candidate goes above it.</summary>
    public long HighestRound { get; private set; }

    public void NoteRound(long round) => HighestRound = Math.Max(HighestRound, round);

    public void HeardLeader(long now)
    {
        _leaderHeardTick = now;
        Wait(now);
    }

    public bool IsDue(long now) => now >= _deadline;

    /// <summary>Whether a lease may still hold for the leader that was heard last.</summary>
    public bool InLease(long now) => now - _leaderHeardTick < _config.ElectionTimeoutTicks;

    /// <summary>Nobody has won for so long that this node must not be particular about who does.</summary>
    public bool IsLongWithoutLeader(long now) =>
        now - _leaderHeardTick >= LongWithoutLeaderTimeouts * (long)_config.ElectionTimeoutTicks;

    /// <summary>A full election timeout from now, and some more.</summary>
    public void Wait(long now) =>
        _deadline = now + _config.ElectionTimeoutTicks + _random.Next(_config.ElectionJitterTicks);

    /// <summary>A short wait before the next attempt: no vote was lost, somebody else is probably at it.</summary>
    public void BackOff(long now) =>
        _deadline = now + _config.HeartbeatTicks + _random.Next(_config.ElectionJitterTicks);

    /// <summary>How long a candidate waits for promises, which cost their acceptors a write to disk.</summary>
    public void WaitForPromises(long now) =>
        _deadline = now + (_config.ElectionTimeoutTicks / 2) + _random.Next(_config.ElectionJitterTicks);
}
