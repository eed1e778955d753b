namespace KvCloud.Node.Transport;

/// <summary>The phase of a connection between replicas; it never goes back.</summary>
internal enum SessionPhase
{
    /// <summary>Hello and its answer have not been exchanged yet.</summary>
    Handshake = 0,

    /// <summary>Frames are exchanged.</summary>
    Established = 1,

    /// <summary>Nothing is sent or received any more.</summary>
    Ended = 2,
}

/// <summary>Why a session has ended.</summary>
internal enum SessionEnd
{
    None = 0,

    /// <summary>This node refuses the other; the session has a Refusal to send before the close.</summary>
    RejectedHere = 1,

    /// <summary>The other node refuses this one and has said why.</summary>
    RejectedByPeer = 2,

    /// <summary>The received bytes are not a frame of this protocol.</summary>
    Malformed = 3,

    /// <summary>The connection is gone: closed by either side, timed out, reset.</summary>
    Closed = 4,
}
