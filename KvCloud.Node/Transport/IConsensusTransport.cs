using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>Carries messages between replicas: unordered, lossy, never corrupting. Losing a message is always allowed.</summary>
internal interface IConsensusTransport : IAsyncDisposable
{
    /// <summary>
    /// Starts listening and connecting. <paramref name="onReceived"/> is called with one or more messages from one peer,
    /// from transport threads, possibly from several at once; it must not block for long.
    /// </summary>
    Task StartAsync(Action<IReadOnlyList<Message>> onReceived, CancellationToken cancellationToken);

    /// <summary>
    /// Queues the messages (never null, never to this node) for their receivers and returns at once. A peer that is
    /// away or whose queue is full loses them; heartbeats and votes have room of their own.
    /// </summary>
    void Send(IReadOnlyList<Message> messages);

    /// <summary>What is known of the link to each peer.</summary>
    IReadOnlyList<PeerLink> Links { get; }
}

/// <summary>State of the link to one peer.</summary>
/// <param name="LastReceivedTickMs">Environment.TickCount64 of the last message received; 0 for none.</param>
/// <param name="RefusedReason">Why the last handshake was refused; null when it was not.</param>
internal sealed record PeerLink(
    NodeId Peer,
    string Endpoint,
    bool IsConnected,
    long LastReceivedTickMs,
    long SentBytes,
    long ReceivedBytes,
    long DroppedMessages,
    string? RefusedReason);
