using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>State of the link to one peer.</summary>
/// <param name="Endpoint">The endpoint tried last; empty before the first attempt.</param>
/// <param name="IsConnected">Whether messages to the peer have a connection. Says nothing about the other
/// direction.</param>
/// <param name="LastReceivedTickMs">When the last message arrived, by the transport's clock; 0 for none.</param>
/// <param name="DroppedMessages">Messages to the peer that were dropped: it was unreachable, its queue was full, or the
/// connection broke.</param>
/// <param name="Reconnects">Connections made to the peer after the first.</param>
/// <param name="RefusedReason">Why either side refused the last handshake; null if it was not refused.</param>
internal sealed record PeerLink(
    NodeId Peer,
    string Endpoint,
    bool IsConnected,
    long LastReceivedTickMs,
    long SentBytes,
    long ReceivedBytes,
    long SentMessages,
    long ReceivedMessages,
    long DroppedMessages,
    long Reconnects,
    string? RefusedReason)
{
    /// <summary>The version of the frames to the peer; 0 without a connection.</summary>
    public int WireVersion { get; init; }

    /// <summary>What the peer said of its release; null without a connection.</summary>
    public PeerRelease? Release { get; init; }
}
