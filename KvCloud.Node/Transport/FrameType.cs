namespace KvCloud.Node.Transport;

/// <summary>The content of a frame. The numbers are part of the wire format: never renumber.</summary>
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
    SnapshotRequest = 17,
    SnapshotReply = 18,
    TimeoutNow = 20,

    /// <summary>A <see cref="PeerReport"/>.</summary>
    Report = 32,

    /// <summary>First frame of a connection: identifies the caller.</summary>
    Hello = 64,

    /// <summary>Answer to an accepted Hello: identifies the listener.</summary>
    Welcome = 65,

    /// <summary>Sent by either side before it closes: why it will not talk to the other.</summary>
    Refusal = 66,
}
