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

    private readonly IPEndPoint _bindEndPoint;
    private readonly Func<int, CancellationToken, ValueTask<EndPoint>> _resolve;
    private readonly Lock _tableLock = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _inboundLock = new();
    private readonly InboundConnections<InboundConnection> _inbound;
    private readonly Dictionary<InboundConnection, Task> _inboundThreads = [];
    private readonly List<Task> _running = [];
    private volatile PeerTable _table;
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

    /// <inheritdoc/>
    public IReadOnlyList<PeerLink> Links => [.. _table.Remotes.Select(remote => remote.Peer.ToLink())];

    /// <summary>Where this node listens, once it is started.</summary>
    public IPEndPoint ListenEndPoint =>
        _listener?.LocalEndPoint as IPEndPoint ?? throw new InvalidOperationException("The transport is not started.");

    public PeerGate Gate { get; }

    /// <summary>The peers of the last <see cref="Introduce"/>.</summary>
    public IReadOnlyDictionary<int, string> Introduced { get; private set; } = new Dictionary<int, string>();

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
            foreach (RemotePeer remote in _table.Remotes)
            {
                Start(remote);
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
            IEnumerable<int> lingering = _table.Indexes.Keys.Where(
                id => !isSettled && members.Removed.Contains(new NodeId(id)));
            Change(members.Members.Select(member => member.Id.Value).Union(lingering), members, isSettled);
        }
    }

    /// <summary>
    /// Who the peers are and where, as one of them says to a replica that has no record of the members; ignored once it
    /// has. An empty endpoint: as configured.
    /// </summary>
    public void Introduce(IReadOnlyDictionary<int, string> peers)
    {
        lock (_tableLock)
        {
            if (Gate.Members.Slot == Slot.Zero)
            {
                Introduced = peers;
                Change(peers.Keys, GroupMembers.None, isSettled: false);
            }
        }
    }

    /// <inheritdoc/>
    public void Send(IReadOnlyList<Message> messages)
    {
        PeerTable table = _table;
        ulong touched = 0;
        for (int i = 0; i < messages.Count; i++)
        {
            Message message = messages[i];
            Invariant.Check(message.To.Value != Gate.Self.NodeId, "a node sends to others only");
            if (table.Indexes.TryGetValue(message.To.Value, out int index))
            {
                table.Remotes[index].Sender.Enqueue(message);
                touched |= 1UL << index;
            }
        }

        // Last, so that all messages of this call to one peer leave in one send.
        for (; touched != 0; touched &= touched - 1)
        {
            table.Remotes[BitOperations.TrailingZeroCount(touched)].Sender.Flush();
        }
    }

    public void Report(PeerReport report)
    {
        foreach (RemotePeer remote in _table.Remotes)
        {
            remote.Sender.Enqueue(report);
            remote.Sender.Flush();
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
            foreach (RemotePeer remote in _table.Remotes)
            {
                remote.Sender.Stop();
            }

            running = [.. _running];
        }

        await Task.WhenAll(running);
        await Task.WhenAll(CloseInbound());
        foreach (RemotePeer remote in _table.Remotes)
        {
            remote.Connector.Dispose();
            remote.Stop.Dispose();
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

    private void Change(IEnumerable<int> peers, GroupMembers members, bool isSettled)
    {
        if (_isDisposed != 0)
        {
            return;
        }

        PeerTable before = _table;
        int[] ids = [.. peers.Where(id => id != Gate.Self.NodeId)];
        PeerTable after = MakeTable(ids, before);

        // Before the peers are asked: who was removed is to hear it when it comes again.
        Gate.Reconfigure(ids, members, isSettled);
        _table = after;
        foreach (RemotePeer remote in after.Remotes)
        {
            if (_isStarted && !before.Remotes.Contains(remote))
            {
                Start(remote);
            }
        }

        foreach (RemotePeer remote in before.Remotes)
        {
            if (!after.Remotes.Contains(remote))
            {
                End(remote);
            }
        }
    }

    /// <summary>Under the lock, or before anybody else knows of this transport.</summary>
    private PeerTable MakeTable(IEnumerable<int> peers, PeerTable? before) =>
        PeerTable.Of(Gate.Self.NodeId, peers, before, MakeRemote);

    private RemotePeer MakeRemote(int id)
    {
        var peer = new Peer(new NodeId(id));
        var sender = new PeerSender(peer, Options, Throttle, Logger);
        return new RemotePeer(
            peer,
            sender,
            new PeerConnector(peer, sender, Gate, _resolve, Options, Tls, Throttle, Logger),
            CancellationTokenSource.CreateLinkedTokenSource(_stop.Token));
    }

    private void Start(RemotePeer remote)
    {
        CancellationToken stop = remote.Stop.Token;
        _running.Add(
            TransportThread.Start($"kv-tx-{Gate.Self.NodeId}-{remote.Peer.Id.Value}", remote.Sender.Pump));
        _running.Add(Task.Run(() => remote.Connector.RunAsync(stop), CancellationToken.None));
    }

    /// <summary>The other is no peer any more. Its ends close by themselves.</summary>
    private void End(RemotePeer remote)
    {
        _running.Add(remote.Stop.CancelAsync());
        remote.Sender.Stop();
        lock (_inboundLock)
        {
            foreach (InboundConnection connection in _inboundThreads.Keys)
            {
                if (connection.Peer == remote.Peer)
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
