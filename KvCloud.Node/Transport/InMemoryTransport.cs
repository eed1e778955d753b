using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>
/// Messages between nodes of one process; also the transport of a single node. A thread of the receiver, never the
/// sender's, delivers them, in the order in which they were sent except where links differ in delay.
/// </summary>
internal sealed class InMemoryTransport : IConsensusTransport
{
    /// <summary>Messages and reports waiting for one receiver; more are dropped.</summary>
    private const int MaxQueued = 100_000;

    private readonly object _gate = new();
    private readonly PriorityQueue<object, (long DueTickMs, long Number)> _queue = new();
    private readonly InMemoryNetwork _network;
    private volatile SortedDictionary<int, Peer> _peers = [];
    private Action<IReadOnlyList<Message>>? _onReceived;
    private Action<PeerReport>? _onReport;
    private Task _deliveries = Task.CompletedTask;
    private long _lastNumber;
    private bool _isStarted;
    private bool _isStopped;

    internal InMemoryTransport(InMemoryNetwork network, PeerIdentity self, IEnumerable<int> peers)
    {
        _network = network;
        Self = self;
        foreach (int id in peers)
        {
            if (id == self.NodeId || !_peers.TryAdd(id, new Peer(new NodeId(id))))
            {
                throw new ArgumentException($"Node {id} cannot be a peer of node {self.NodeId}, or is named twice.");
            }
        }
    }

    public PeerIdentity Self { get; }

    /// <inheritdoc/>
    public IReadOnlyList<PeerLink> Links => [.. _peers.Values.Select(ToLink)];

    /// <summary>The transport of a node without peers: nothing is sent and nothing arrives.</summary>
    public static InMemoryTransport Alone(PeerIdentity self) => new InMemoryNetwork().Join(self, []);

    /// <inheritdoc/>
    public Task StartAsync(
        Action<IReadOnlyList<Message>> onReceived, Action<PeerReport> onReport, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isStopped, this);
            Invariant.Check(!_isStarted, "a transport is started once");
            _isStarted = true;
        }

        _onReceived = onReceived;
        _onReport = onReport;
        if (_peers.Count > 0)
        {
            _deliveries = TransportThread.Start($"kv-mem-{Self.NodeId}", DeliverAll);
            _network.Register(this);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Send(IReadOnlyList<Message> messages)
    {
        for (int i = 0; i < messages.Count; i++)
        {
            Invariant.Check(messages[i].To.Value != Self.NodeId, "a node sends to others only");
            if (_peers.TryGetValue(messages[i].To.Value, out Peer? peer))
            {
                Post(peer, messages[i]);
            }
        }
    }

    /// <inheritdoc/>
    public void Report(PeerReport report)
    {
        foreach (Peer peer in _peers.Values)
        {
            Post(peer, report);
        }
    }

    /// <inheritdoc/>
    public void Reconfigure(GroupMembers members, bool isSettled)
    {
        var peers = new SortedDictionary<int, Peer>();
        foreach (GroupMember member in members.Members)
        {
            if (member.Id.Value != Self.NodeId)
            {
                peers.Add(member.Id.Value, _peers.GetValueOrDefault(member.Id.Value) ?? new Peer(member.Id));
            }
        }

        foreach ((int id, Peer peer) in _peers)
        {
            if (!isSettled && members.Removed.Contains(peer.Id))
            {
                peers.TryAdd(id, peer);
            }
        }

        _peers = peers;
    }

    /// <inheritdoc/>
    public LinkState StateOf(NodeId peer) => _peers.TryGetValue(peer.Value, out Peer? known)
        ? new LinkState(Reach(known) is not null, known.DroppedMessages)
        : default;

    /// <inheritdoc/>
    public PeerIdentity? IdentityOf(NodeId peer) => _peers.TryGetValue(peer.Value, out Peer? known)
        ? Reach(known)?.Self ?? known.Identity
        : null;

    /// <inheritdoc/>
    public PeerRelease? ReleaseOf(NodeId node) => IdentityOf(node)?.Release;

    /// <inheritdoc/>
    public void RequireFeatureLevel(int level)
    {
        // There is no handshake in which anybody could be refused.
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _network.Unregister(this);
        lock (_gate)
        {
            _isStopped = true;
            _queue.Clear();
            Monitor.PulseAll(_gate);
        }

        await _deliveries;
    }

    private InMemoryTransport? Reach(Peer peer)
    {
        InMemoryTransport? other = _network.Find(Self.NodeId, peer.Id.Value, Self.ClusterId);
        if (other is not null && peer.Identity != other.Self)
        {
            peer.OutboundAccepted(other.Self);
        }

        return other;
    }

    private PeerLink ToLink(Peer peer)
    {
        bool isConnected = Reach(peer) is not null;
        return peer.ToLink() with { Endpoint = $"in-memory:{peer.Id.Value}", IsConnected = isConnected };
    }

    private void Post(Peer peer, object item)
    {
        InMemoryTransport? other = Reach(peer);
        long? delayMs = other is null ? null : _network.DelayMs(Self.NodeId, peer.Id.Value);
        if (delayMs is null || !other!.Queue(item, delayMs.Value))
        {
            peer.Dropped(1);
            return;
        }

        // Nothing is encoded, so there are no bytes to count.
        peer.Sent(0, 1);
    }

    private bool Queue(object item, long delayMs)
    {
        lock (_gate)
        {
            if (_isStopped || _queue.Count >= MaxQueued)
            {
                return false;
            }

            _queue.Enqueue(item, (Environment.TickCount64 + delayMs, ++_lastNumber));
            Monitor.Pulse(_gate);
            return true;
        }
    }

    private void DeliverAll()
    {
        var due = new List<object>();
        while (TakeDue(due))
        {
            Deliver(due);
            due.Clear();
        }
    }

    /// <summary>Waits until a message is due. False when the transport stops.</summary>
    private bool TakeDue(List<object> due)
    {
        lock (_gate)
        {
            while (!_isStopped)
            {
                long now = Environment.TickCount64;
                while (_queue.TryPeek(out _, out (long DueTickMs, long Number) first) && first.DueTickMs <= now)
                {
                    due.Add(_queue.Dequeue());
                }

                if (due.Count > 0)
                {
                    return true;
                }

                int waitMs = _queue.TryPeek(out _, out (long DueTickMs, long Number) next)
                    ? (int)Math.Min(next.DueTickMs - now, int.MaxValue)
                    : Timeout.Infinite;
                Monitor.Wait(_gate, waitMs);
            }

            return false;
        }
    }

    /// <summary>Consecutive messages of one sender are delivered together, as from a socket.</summary>
    private void Deliver(List<object> due)
    {
        List<Message> run = [];
        foreach (object item in due)
        {
            if (run.Count > 0 && (item is not Message next || next.From != run[0].From))
            {
                Deliver(run);
                run = [];
            }

            if (item is Message message)
            {
                run.Add(message);
            }
            else if (item is PeerReport report)
            {
                Note(report.From);
                _onReport!(report);
            }
        }

        if (run.Count > 0)
        {
            Deliver(run);
        }
    }

    private void Deliver(List<Message> run)
    {
        Note(run[0].From, run.Count);
        _onReceived!(run);
    }

    private void Note(NodeId from, int messages = 1)
    {
        if (_peers.TryGetValue(from.Value, out Peer? peer))
        {
            peer.Received(0, messages, Environment.TickCount64);
        }
    }
}
