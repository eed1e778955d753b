using System.Net;
using System.Net.Sockets;
using System.Numerics;
using KvCloud.Consensus;
using KvCloud.Node.Tls;
using Microsoft.Extensions.Logging;

namespace KvCloud.Node.Transport;

/// <summary>
/// Messages over TCP. A node sends its messages to a peer on a connection that it made itself, so each pair has two and
/// need not agree on who connects to whom. Threads: one that accepts and, per peer, one that reads and one that waits
/// for a full socket. Only connecting runs on the thread pool.
/// </summary>
internal sealed class TcpTransport : IConsensusTransport, IInboundHost
{
    private const int ListenBacklog = 64;
    private const int AcceptRetryMs = 100;
    private const int MaxPeers = 63;

    private readonly IPEndPoint _bindEndPoint;
    private readonly Func<int, CancellationToken, ValueTask<EndPoint>> _resolve;
    private readonly Lock _tableLock = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _inboundLock = new();
    private readonly InboundConnections<InboundConnection> _inbound;
    private readonly Dictionary<InboundConnection, Task> _inboundThreads = [];
    private readonly List<Task> _running = [];
    private volatile Table _table;
    private Socket? _listener;
    private Action<IReadOnlyList<Message>>? _onReceived;
    private Action<PeerReport>? _onReport;
    private int _isDisposed;
    private bool _isStarted;

    /// <param name="self">The identity that this node announces.</param>
    /// <param name="peers">Node ids of all other replicas.</param>
    /// <param name="bindEndPoint">Where to listen; port 0 picks a free one, see <see cref="ListenEndPoint"/>.</param>
    /// <param name="resolve">Returns where a peer listens; called for each attempt to connect.</param>
    /// <param name="tls">Null where TLS is off.</param>
    public TcpTransport(
        PeerIdentity self,
        IEnumerable<int> peers,
        IPEndPoint bindEndPoint,
        Func<int, CancellationToken, ValueTask<EndPoint>> resolve,
        IIncarnationRegistry incarnations,
        Bootstrap bootstrap,
        TransportOptions options,
        ILogger<TcpTransport> logger,
        PeerTls? tls = null)
    {
        options.Validate();
        Handshake.Validate(self);
        Options = options;
        Logger = logger;
        Tls = tls;
        Throttle = new LogThrottle(options.RepeatedLogIntervalMs, options.Time);
        _bindEndPoint = bindEndPoint;
        _resolve = resolve;
        _inbound = new InboundConnections<InboundConnection>(options.MaxPendingHandshakes);
        int[] ids = [.. peers];
        Gate = new PeerGate(self, ids, incarnations, bootstrap);
        _table = MakeTable(ids, before: null);
    }

    /// <summary>The peers of one moment, by rising id.</summary>
    private sealed record Table(Dictionary<int, int> Indexes, Way[] Ways)
    {
        public Way? Find(int nodeId) => Indexes.TryGetValue(nodeId, out int index) ? Ways[index] : null;
    }

    /// <summary>What carries this node's messages to one peer, until either is no peer any more.</summary>
    private sealed record Way(Peer Peer, PeerSender Sender, PeerConnector Connector, CancellationTokenSource Stop);

    /// <inheritdoc/>
    public IReadOnlyList<PeerLink> Links => [.. _table.Ways.Select(way => way.Peer.ToLink())];

    /// <summary>Where this node listens, once it is started.</summary>
    public IPEndPoint ListenEndPoint =>
        _listener?.LocalEndPoint as IPEndPoint ?? throw new InvalidOperationException("The transport is not started.");

    public PeerGate Gate { get; }

    public TransportOptions Options { get; }

    public ILogger Logger { get; }

    public PeerTls? Tls { get; }

    public LogThrottle Throttle { get; }

    /// <inheritdoc/>
    public Task StartAsync(
        Action<IReadOnlyList<Message>> onReceived, Action<PeerReport> onReport, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        Invariant.Check(_listener is null, "a transport is started once");
        _onReceived = onReceived;
        _onReport = onReport;
        Socket listener = Listen();
        _listener = listener;
        int self = Gate.Self.NodeId;
        _running.Add(TransportThread.Start($"kv-accept-{self}", () => Accept(listener)));
        lock (_tableLock)
        {
            foreach (Way way in _table.Ways)
            {
                Start(way);
            }

            _isStarted = true;
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Reconfigure(GroupMembers members, bool isSettled)
    {
        lock (_tableLock)
        {
            if (_isDisposed != 0)
            {
                return;
            }

            Table before = _table;
            IEnumerable<int> lingering = before.Indexes.Keys.Where(
                id => !isSettled && members.Removed.Contains(new NodeId(id)));
            int[] ids =
            [
                .. members.Members.Select(member => member.Id.Value).Where(id => id != Gate.Self.NodeId)
                    .Union(lingering),
            ];
            Table after = MakeTable(ids, before);

            // Before the peers are asked: who was removed is to hear it when it comes again.
            Gate.Reconfigure(ids, members, isSettled);
            _table = after;
            foreach (Way way in after.Ways)
            {
                if (_isStarted && !before.Ways.Contains(way))
                {
                    Start(way);
                }
            }

            foreach (Way way in before.Ways)
            {
                if (!after.Ways.Contains(way))
                {
                    End(way);
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Send(IReadOnlyList<Message> messages)
    {
        Table table = _table;
        ulong touched = 0;
        for (int i = 0; i < messages.Count; i++)
        {
            Message message = messages[i];
            Invariant.Check(message.To.Value != Gate.Self.NodeId, "a node sends to others only");
            if (table.Indexes.TryGetValue(message.To.Value, out int index))
            {
                table.Ways[index].Sender.Enqueue(message);
                touched |= 1UL << index;
            }
        }

        // Last, so that all messages of this call to one peer leave in one send.
        for (; touched != 0; touched &= touched - 1)
        {
            table.Ways[BitOperations.TrailingZeroCount(touched)].Sender.Flush();
        }
    }

    public void Report(PeerReport report)
    {
        foreach (Way way in _table.Ways)
        {
            way.Sender.Enqueue(report);
            way.Sender.Flush();
        }
    }

    public LinkState StateOf(NodeId peer) => FindPeer(peer.Value)?.ToState() ?? default;

    public PeerIdentity? IdentityOf(NodeId peer) => FindPeer(peer.Value)?.Identity;

    public PeerRelease? ReleaseOf(NodeId node) => IdentityOf(node)?.Release ?? Gate.ReleaseOfStranger(node.Value);

    public void RequireFeatureLevel(int level) => Gate.RequireFeatureLevel(level);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        await _stop.CancelAsync();
        _listener?.Dispose();
        Task[] running;
        lock (_tableLock)
        {
            foreach (Way way in _table.Ways)
            {
                way.Sender.Stop();
            }

            running = [.. _running];
        }

        await Task.WhenAll(running);
        await Task.WhenAll(CloseInbound());
        foreach (Way way in _table.Ways)
        {
            way.Connector.Dispose();
            way.Stop.Dispose();
        }

        _stop.Dispose();
    }

    public Peer? FindPeer(int nodeId) => _table.Find(nodeId)?.Peer;

    public void Identified(InboundConnection connection, Peer peer)
    {
        bool isAdmitted;
        InboundConnection? superseded;
        lock (_inboundLock)
        {
            isAdmitted = _inbound.TryAdmit(connection, peer, out superseded);
        }

        superseded?.Close();
        if (isAdmitted)
        {
            _table.Find(peer.Id.Value)?.Connector.PeerIsUp();
        }
    }

    public void Ended(InboundConnection connection)
    {
        lock (_inboundLock)
        {
            _inbound.Remove(connection);
            _inboundThreads.Remove(connection);
        }
    }

    public void Deliver(IReadOnlyList<Message> messages) => _onReceived!(messages);

    public void Deliver(PeerReport report) => _onReport!(report);

    /// <summary>Under the lock, or before anybody else knows of this transport.</summary>
    private Table MakeTable(IEnumerable<int> peers, Table? before)
    {
        var indexes = new Dictionary<int, int>();
        var ways = new List<Way>();
        foreach (int id in peers.Order())
        {
            if (id < 0 || id == Gate.Self.NodeId || ways.Count >= MaxPeers || !indexes.TryAdd(id, ways.Count))
            {
                throw new ArgumentException(
                    $"Node {id} cannot be a peer of node {Gate.Self.NodeId}: it is the node itself, named twice,"
                    + $" negative, or one of more than {MaxPeers}.",
                    nameof(peers));
            }

            ways.Add(before?.Find(id) ?? MakeWay(id));
        }

        return new Table(indexes, [.. ways]);
    }

    private Way MakeWay(int id)
    {
        var peer = new Peer(new NodeId(id));
        var sender = new PeerSender(peer, Options, Throttle, Logger);
        return new Way(
            peer,
            sender,
            new PeerConnector(peer, sender, Gate, _resolve, Options, Tls, Throttle, Logger),
            CancellationTokenSource.CreateLinkedTokenSource(_stop.Token));
    }

    private void Start(Way way)
    {
        CancellationToken stop = way.Stop.Token;
        _running.Add(
            TransportThread.Start($"kv-tx-{Gate.Self.NodeId}-{way.Peer.Id.Value}", way.Sender.Pump));
        _running.Add(Task.Run(() => way.Connector.RunAsync(stop), CancellationToken.None));
    }

    /// <summary>The other is no peer any more. Its ends close by themselves.</summary>
    private void End(Way way)
    {
        _running.Add(way.Stop.CancelAsync());
        way.Sender.Stop();
        lock (_inboundLock)
        {
            foreach (InboundConnection connection in _inboundThreads.Keys)
            {
                if (connection.Peer == way.Peer)
                {
                    connection.Close();
                }
            }
        }
    }

    private Socket Listen()
    {
        Socket listener = PeerSocket.CreateListener(_bindEndPoint);
        try
        {
            listener.Bind(_bindEndPoint);
            listener.Listen(ListenBacklog);
        }
        catch (SocketException error)
        {
            listener.Dispose();
            throw new IOException($"Cannot listen for replicas on {_bindEndPoint}: {error.Message}", error);
        }

        TransportLog.Listening(Logger, PeerSocket.Describe(listener.LocalEndPoint));
        return listener;
    }

    private void Accept(Socket listener)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                Take(listener.Accept());
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                if (_stop.IsCancellationRequested)
                {
                    return;
                }

                if (Throttle.Allows($"accept {error.Message}"))
                {
                    TransportLog.AcceptFailed(Logger, error.Message);
                }

                // Usually the process is out of file handles, and retrying at once would only waste processor time.
                _stop.Token.WaitHandle.WaitOne(AcceptRetryMs);
            }
        }
    }

    private void Take(Socket socket)
    {
        lock (_inboundLock)
        {
            if (_stop.IsCancellationRequested)
            {
                socket.Dispose();
                return;
            }

            var connection = new InboundConnection(socket, this);
            if (_inbound.Add(connection) is InboundConnection evicted)
            {
                evicted.Close();
                if (Throttle.Allows("pending handshakes"))
                {
                    TransportLog.TooManyPendingHandshakes(Logger, Options.MaxPendingHandshakes);
                }
            }

            // At its end the thread removes itself from the table, which needs the lock held here.
            _inboundThreads.Add(connection, TransportThread.Start($"kv-rx-{Gate.Self.NodeId}", connection.Run));
        }
    }

    private Task[] CloseInbound()
    {
        lock (_inboundLock)
        {
            foreach (InboundConnection connection in _inboundThreads.Keys)
            {
                connection.Close();
            }

            return [.. _inboundThreads.Values];
        }
    }
}
