using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>What is known of one peer: written by the connections of both directions, read by anyone.</summary>
internal sealed class Peer(NodeId id)
{
    private long _sentBytes;
    private long _sentMessages;
    private long _receivedBytes;
    private long _receivedMessages;
    private long _droppedMessages;
    private long _connects;
    private long _breaks;
    private long _lastReceivedTickMs;
    private int _incoming;
    private volatile bool _isConnected;
    private volatile string _endpoint = "";
    private volatile PeerIdentity? _identity;
    private volatile string? _refusedWhenCalling;
    private volatile string? _refusedWhenCalled;

    private volatile string? _lastCallRefusal;

    public NodeId Id { get; } = id;

    /// <summary>Why the peer refused this node the last time that it called and was welcome here; null once it speaks.</summary>
    public string? LastCallRefusal
    {
        get => _lastCallRefusal;
        set => _lastCallRefusal = value;
    }

    public PeerIdentity? Identity => _identity;

    /// <summary>Whether this node's messages to the peer have a connection.</summary>
    public bool IsConnected => _isConnected;

    public long SentBytes => Interlocked.Read(ref _sentBytes);

    public long SentMessages => Interlocked.Read(ref _sentMessages);

    public long ReceivedBytes => Interlocked.Read(ref _receivedBytes);

    public long ReceivedMessages => Interlocked.Read(ref _receivedMessages);

    public long DroppedMessages => Interlocked.Read(ref _droppedMessages);

    /// <summary>Connections made to the peer after the first.</summary>
    public long Reconnects => Math.Max(0, Interlocked.Read(ref _connects) - 1);

    public void Looking(string endpoint) => _endpoint = endpoint;

    public void Connected(PeerIdentity identity)
    {
        _identity = identity;
        _refusedWhenCalling = null;
        Interlocked.Increment(ref _connects);
        _isConnected = true;
    }

    public void Disconnected()
    {
        _isConnected = false;
        Interlocked.Increment(ref _breaks);
    }

    public void RefusedWhenCalling(string reason) => _refusedWhenCalling = reason;

    public void Called(PeerIdentity identity)
    {
        _identity = identity;
        _refusedWhenCalled = null;
        Interlocked.Increment(ref _incoming);
    }

    public void CallEnded()
    {
        Interlocked.Decrement(ref _incoming);
        Interlocked.Increment(ref _breaks);
    }

    public void RefusedWhenCalled(string reason) => _refusedWhenCalled = reason;

    public void Sent(int bytes, int messages)
    {
        Interlocked.Add(ref _sentBytes, bytes);
        Interlocked.Add(ref _sentMessages, messages);
    }

    public void Received(int bytes, int messages)
    {
        Interlocked.Add(ref _receivedBytes, bytes);
        Interlocked.Add(ref _receivedMessages, messages);
        if (messages > 0)
        {
            Interlocked.Exchange(ref _lastReceivedTickMs, Environment.TickCount64);
        }
    }

    public void Dropped(int messages)
    {
        Interlocked.Add(ref _droppedMessages, messages);
        Interlocked.Add(ref _breaks, messages);
    }

    public LinkState ToState()
    {
        // The count first: what breaks after it is seen in a later count.
        long breaks = Interlocked.Read(ref _breaks);
        return new LinkState(_isConnected && Volatile.Read(ref _incoming) > 0, breaks);
    }

    public PeerLink ToLink()
    {
        // What a stranger was told who called himself this peer is not shown while the peer itself is connected.
        string? refused = _isConnected ? null : _refusedWhenCalling;
        refused ??= Volatile.Read(ref _incoming) > 0 ? null : _refusedWhenCalled;
        return new PeerLink(
            Id,
            _endpoint,
            _isConnected,
            Interlocked.Read(ref _lastReceivedTickMs),
            SentBytes,
            ReceivedBytes,
            DroppedMessages,
            refused);
    }
}
