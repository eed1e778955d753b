namespace KvCloud.Node.Transport;

/// <summary>What a frame carries. The numbers are the wire format: never renumber.</summary>
internal enum FrameType : byte
{
    PreVote = 1,
    PreVoteReply = 2,
    Prepare = 3,
    Promise = 4,
    Accept = 5,
    Accepted = 6,
    Refused = 7,
    Heartbeat = 8,
    HeartbeatReply = 9,
    ReadIndexRequest = 10,
    ReadIndexReply = 11,
    CatchUpRequest = 12,
    CatchUpReply = 13,
    Forward = 14,
    ForwardReply = 15,
    SlotTrace = 16,
    TimeoutNow = 20,

    /// <summary>A <see cref="PeerReport"/>.</summary>
    Report = 32,

    /// <summary>First frame of a connection: who speaks.</summary>
    Hello = 64,

    /// <summary>Answer to a Hello that was accepted: who listens.</summary>
    Welcome = 65,

    /// <summary>Either side will not talk to the other, and says why before it closes.</summary>
    Refusal = 66,
}
