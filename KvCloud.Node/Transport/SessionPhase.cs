namespace KvCloud.Node.Transport;

/// <summary>How far a connection between replicas has got; it never goes back.</summary>
internal enum SessionPhase
{
    /// <summary>Hello and its answer are not exchanged yet.</summary>
    Handshake = 0,

    /// <summary>Frames travel.</summary>
    Established = 1,

    /// <summary>Nothing goes in or out any more.</summary>
    Ended = 2,
}

/// <summary>Why a session has ended.</summary>
internal enum SessionEnd
{
    None = 0,

    /// <summary>This node does not talk to the other; the session has a Refusal to send before the close.</summary>
    RejectedHere = 1,

    /// <summary>The other node does not talk to this one and has said why.</summary>
    RejectedByPeer = 2,

    /// <summary>What arrived is not a frame of this protocol.</summary>
    Malformed = 3,

    /// <summary>The connection is gone: closed by either side, timed out, reset.</summary>
    Closed = 4,
}
