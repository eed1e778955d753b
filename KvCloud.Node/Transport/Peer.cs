using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>The state of one peer: written by the connections of both directions, read by any thread.</summary>
internal sealed class Peer(NodeId id)
{
    private long _sentBytes;
    private long _sentMessages;
    private long _receivedBytes;
    private long _receivedMessages;
    private long _droppedMessages;
    private long _connects;
    private long _lossEpoch;
    private long _lastReceivedTickMs;
    private int _incoming;
    private volatile bool _isConnected;
    private volatile string _endpoint = "";
    private volatile PeerIdentity? _identity;
    private volatile PeerRelease? _inboundRelease;
    private volatile byte _wireVersion;
    private volatile string? _outboundRejection;
    private volatile string? _inboundRejection;
    private volatile string? _lastInboundRefusal;

    public NodeId Id { get; } = id;

    /// <summary>
    /// Why the peer refused this node the last time that it connected and was welcomed here; null once it sends
    /// messages.
    /// </summary>
    public string? LastInboundRefusal
    {
        get => _lastInboundRefusal;
        set => _lastInboundRefusal = value;
    }

    public PeerIdentity? Identity => _identity;

    /// <summary>What the peer said of its release on the connection that it made; null while there is none.</summary>
    public PeerRelease? InboundRelease => _inboundRelease;

    /// <summary>Whether there is a connection for messages to the peer.</summary>
    public bool IsConnected => _isConnected;

    public long SentBytes => Interlocked.Read(ref _sentBytes);

    public long SentMessages => Interlocked.Read(ref _sentMessages);

    public long ReceivedBytes => Interlocked.Read(ref _receivedBytes);

    public long ReceivedMessages => Interlocked.Read(ref _receivedMessages);

    public long DroppedMessages => Interlocked.Read(ref _droppedMessages);

    /// <summary>Connections made to the peer after the first.</summary>
    public long Reconnects => Math.Max(0, Interlocked.Read(ref _connects) - 1);

    public void Resolving(string endpoint) => _endpoint = endpoint;

    public void OutboundAccepted(PeerIdentity identity, byte wireVersion = ConsensusCodec.Version)
    {
        _wireVersion = wireVersion;
        _identity = identity;
        _outboundRejection = null;
        Interlocked.Increment(ref _connects);
        _isConnected = true;
    }

    public void OutboundEnded()
    {
        _isConnected = false;
        Interlocked.Increment(ref _lossEpoch);
    }

    public void OutboundRejected(string reason) => _outboundRejection = reason;

    public void InboundAccepted(PeerIdentity identity)
    {
        _identity = identity;
        _inboundRelease = identity.Release;
        _inboundRejection = null;
        Interlocked.Increment(ref _incoming);
    }

    public void InboundEnded()
    {
        if (Interlocked.Decrement(ref _incoming) == 0)
        {
            _inboundRelease = null;
        }

        Interlocked.Increment(ref _lossEpoch);
    }

    public void InboundRejected(string reason) => _inboundRejection = reason;

    public void Sent(int bytes, int messages)
    {
        Interlocked.Add(ref _sentBytes, bytes);
        Interlocked.Add(ref _sentMessages, messages);
    }

    /// <param name="nowTickMs">For <see cref="PeerLink.LastReceivedTickMs"/>; this class reads no clock.</param>
    public void Received(int bytes, int messages, long nowTickMs)
    {
        Interlocked.Add(ref _receivedBytes, bytes);
        Interlocked.Add(ref _receivedMessages, messages);
        if (messages > 0)
        {
            Interlocked.Exchange(ref _lastReceivedTickMs, nowTickMs);
        }
    }

    public void Dropped(int messages)
    {
        Interlocked.Add(ref _droppedMessages, messages);
        Interlocked.Add(ref _lossEpoch, messages);
    }

    public LinkState ToState()
    {
        // Read the epoch first: a later loss then shows in a later epoch.
        long lossEpoch = Interlocked.Read(ref _lossEpoch);
        return new LinkState(_isConnected && Volatile.Read(ref _incoming) > 0, lossEpoch);
    }

    public PeerLink ToLink()
    {
        // The refusal may concern another node that claimed to be this peer; it is hidden while the peer itself is
        // connected.
        string? refused = _isConnected ? null : _outboundRejection;
        refused ??= Volatile.Read(ref _incoming) > 0 ? null : _inboundRejection;
        return new PeerLink(
            Id,
            _endpoint,
            _isConnected,
            Interlocked.Read(ref _lastReceivedTickMs),
            SentBytes,
            ReceivedBytes,
            SentMessages,
            ReceivedMessages,
            DroppedMessages,
            Reconnects,
            refused)
        {
            WireVersion = _isConnected ? _wireVersion : 0,
            Release = _isConnected ? _identity?.Release : null,
        };
    }
}
