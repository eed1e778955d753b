using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>State of the link to one peer.</summary>
/// <param name="Endpoint">Where the peer was looked for last; empty before the first attempt.</param>
/// <param name="IsConnected">Whether messages to the peer have a connection to travel on. Nothing is said of the
/// other direction.</param>
/// <param name="LastReceivedTickMs">When the last message came, by the clock of the transport; 0 for none.</param>
/// <param name="DroppedMessages">Messages for the peer that were given up: it was away, its queue was full, or the
/// connection broke.</param>
/// <param name="Reconnects">Connections made to the peer after the first.</param>
/// <param name="RefusedReason">Why the last handshake was refused, by either side; null when it was not.</param>
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
    string? RefusedReason);
