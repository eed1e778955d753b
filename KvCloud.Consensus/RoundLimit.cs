namespace KvCloud.Consensus;

/// <summary>
/// Rounds grow by one from election to election. A message whose round is further ahead than elections can have brought
/// it was not made by a sound replica: to follow it would leave the group without a ballot to go on with.
/// </summary>
internal static class RoundLimit
{
    /// <summary>
    /// More elections than a group holds while one of its members is away: one a second, for over a century.
    /// </summary>
    private const long MaxAhead = 1L << 32;

    /// <summary>Whether the message's round may follow the highest that this node knows of.</summary>
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
