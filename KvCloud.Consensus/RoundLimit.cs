namespace KvCloud.Consensus;

/// <summary>
/// Rounds grow by one per election. A round further ahead than elections can have brought it does not come from a
/// correct replica, and following it could leave the group without any higher ballot.
/// </summary>
internal static class RoundLimit
{
    /// <summary>
    /// More elections than a group can hold while one of its members is away: one a second, for over a century.
    /// </summary>
    private const long MaxAhead = 1L << 32;

    /// <summary>Whether this node accepts the message's round, given the highest round it knows.</summary>
    public static bool Allows(Message message, long knownRound)
    {
        long round = RoundOf(message);
        return round >= 0 && round - knownRound <= MaxAhead;
    }

    private static long RoundOf(Message message) => message switch
    {
        PreVote preVote => preVote.Ballot.Round,
        PreVoteReply reply => reply.Promised.Round,
        Prepare prepare => prepare.Ballot.Round,
        Promise promise => promise.Ballot.Round,
        Accept accept => accept.Ballot.Round,
        Accepted accepted => accepted.Ballot.Round,
        Refused refused => refused.Promised.Round,
        Heartbeat heartbeat => heartbeat.Ballot.Round,
        HeartbeatReply reply => reply.Ballot.Round,
        TimeoutNow timeout => timeout.Ballot.Round,
        _ => 0,
    };
}
