using System.Net;
using System.Net.Sockets;
using System.Numerics;
using KvCloud.Consensus;
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
    private readonly Dictionary<int, int> _indexes = [];
    private readonly Peer[] _peers;
    private readonly PeerSender[] _senders;
    private readonly PeerConnector[] _connectors;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _inboundLock = new();
    private readonly InboundConnections<InboundConnection> _inbound;
    private readonly Dictionary<InboundConnection, Task> _inboundThreads = [];
    private readonly List<Task> _running = [];
    private Socket? _listener;
    private Action<IReadOnlyList<Message>>? _onReceived;
    private Action<PeerReport>? _onReport;
    private int _isDisposed;

    /// <param name="self">The identity that this node announces.</param>
    /// <param name="peers">Node ids of all other replicas.</param>
    /// <param name="bindEndPoint">Where to listen; port 0 picks a free one, see <see cref="ListenEndPoint"/>.</param>
    /// <param name="resolve">Returns where a peer listens; called for each attempt to connect.</param>
    public TcpTransport(
        PeerIdentity self,
        IEnumerable<int> peers,
        IPEndPoint bindEndPoint,
        Func<int, CancellationToken, ValueTask<EndPoint>> resolve,
        IIncarnationRegistry incarnations,
        Bootstrap bootstrap,
        TransportOptions options,
        ILogger<TcpTransport> logger)
    {
        options.Validate();
        Handshake.Validate(self);
        Options = options;
        Logger = logger;
        Throttle = new LogThrottle(options.RepeatedLogIntervalMs, options.Time);
        _bindEndPoint = bindEndPoint;
        _inbound = new InboundConnections<InboundConnection>(options.MaxPendingHandshakes);
        _peers = MakePeers(self.NodeId, peers);
        Gate = new PeerGate(self, _indexes.Keys, incarnations, bootstrap);
        _senders = [.. _peers.Select(peer => new PeerSender(peer, options, Throttle, logger))];
        _connectors =
        [
            .. _peers.Zip(
                _senders,
                (peer, sender) => new PeerConnector(peer, sender, Gate, resolve, options, Throttle, logger)),
        ];
    }

    /// <inheritdoc/>
    public IReadOnlyList<PeerLink> Links => [.. _peers.Select(peer => peer.ToLink())];

    /// <summary>Where this node listens, once it is started.</summary>
    public IPEndPoint ListenEndPoint =>
        _listener?.LocalEndPoint as IPEndPoint ?? throw new InvalidOperationException("The transport is not started.");

    public PeerGate Gate { get; }

    public TransportOptions Options { get; }

    public ILogger Logger { get; }

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
        for (int i = 0; i < _peers.Length; i++)
        {
            PeerConnector connector = _connectors[i];
            _running.Add(TransportThread.Start($"kv-tx-{self}-{_peers[i].Id.Value}", _senders[i].Pump));
            _running.Add(Task.Run(() => connector.RunAsync(_stop.Token), CancellationToken.None));
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Send(IReadOnlyList<Message> messages)
    {
        ulong touched = 0;
        for (int i = 0; i < messages.Count; i++)
        {
            Message message = messages[i];
            int index = IndexOf(message.To);
            _senders[index].Enqueue(message);
            touched |= 1UL << index;
        }

        // Last, so that all messages of this call to one peer leave in one send.
        for (; touched != 0; touched &= touched - 1)
        {
            _senders[BitOperations.TrailingZeroCount(touched)].Flush();
        }
    }

    /// <inheritdoc/>
    public void Report(PeerReport report)
    {
        foreach (PeerSender sender in _senders)
        {
            sender.Enqueue(report);
            sender.Flush();
        }
    }

    /// <inheritdoc/>
    public LinkState StateOf(NodeId peer) => FindPeer(peer.Value)?.ToState() ?? default;

    /// <inheritdoc/>
    public PeerIdentity? IdentityOf(NodeId peer) => FindPeer(peer.Value)?.Identity;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        await _stop.CancelAsync();
        _listener?.Dispose();
        foreach (PeerSender sender in _senders)
        {
            sender.Stop();
        }

        await Task.WhenAll(_running);
        await Task.WhenAll(CloseInbound());
        foreach (PeerConnector connector in _connectors)
        {
            connector.Dispose();
        }

        _stop.Dispose();
    }

    public Peer? FindPeer(int nodeId) => _indexes.TryGetValue(nodeId, out int index) ? _peers[index] : null;

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
            _connectors[_indexes[peer.Id.Value]].PeerIsUp();
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

    private Peer[] MakePeers(int self, IEnumerable<int> ids)
    {
        int[] ordered = [.. ids.Order()];
        for (int i = 0; i < ordered.Length; i++)
        {
            int id = ordered[i];
            if (id < 0 || id == self || i >= MaxPeers || !_indexes.TryAdd(id, i))
            {
                throw new ArgumentException(
                    $"Node {id} cannot be a peer of node {self}: it is the node itself, named twice, negative,"
                    + $" or one of more than {MaxPeers}.",
                    nameof(ids));
            }
        }

        return [.. ordered.Select(id => new Peer(new NodeId(id)))];
    }

    private int IndexOf(NodeId to)
    {
        bool isPeer = _indexes.TryGetValue(to.Value, out int index);
        Invariant.Check(isPeer, "a node sends to its peers only");
        return index;
    }

    private Socket Listen()
    {
        var listener = new Socket(_bindEndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
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
