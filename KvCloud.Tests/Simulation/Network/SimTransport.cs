using System.Numerics;
using KvCloud.Consensus;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// The transport of one start of a simulated node: the production sessions on simulated connections, in the way in
/// which
/// <see cref="TcpTransport"/> has them on sockets.
/// </summary>
internal sealed class SimTransport : IConsensusTransport
{
    private readonly SimByteNetwork _network;
    private readonly SimOutboundLink?[] _links;
    private readonly List<Peer> _peers = [];
    private readonly int[] _ids;
    private readonly List<SimInboundLink> _inbound = [];
    private readonly SortedDictionary<NodeId, Queue<IReadOnlyList<Message>>> _held = [];
    private Action<IReadOnlyList<Message>>? _onReceived;
    private Action<PeerReport>? _onReport;
    private long _pausedUntilUs;
    private bool _isStarted;
    private bool _isOver;

    internal SimTransport(
        SimByteNetwork network,
        PeerIdentity self,
        IEnumerable<int> peers,
        IIncarnationRegistry incarnations,
        Bootstrap bootstrap,
        TransportOptions options)
    {
        options.Validate();
        Handshake.Validate(self);
        _network = network;
        Options = options;
        int[] ids = [.. peers.Order()];
        _ids = ids;
        Gate = new PeerGate(self, ids, incarnations, bootstrap);
        Inbound = new InboundConnections<SimInboundLink>(options.MaxPendingHandshakes);
        _links = new SimOutboundLink?[ids.Length == 0 ? 0 : ids[^1] + 1];
        foreach (int id in ids)
        {
            var peer = new Peer(new NodeId(id));
            _peers.Add(peer);
            _links[id] = new SimOutboundLink(this, network, peer);
        }
    }

    /// <summary>Called for each message handed to <see cref="Send"/>, whatever becomes of it.</summary>
    public Action<Message>? OnSent { get; set; }

    /// <summary>Makes another message of one that is sent: a lie, to see that it is found.</summary>
    public Func<Message, Message>? Rewrite { get; set; }

    /// <summary>Called for each message that arrived, before the node gets it.</summary>
    public Action<Message>? OnDelivered { get; set; }

    public PeerIdentity Self => Gate.Self;

    public PeerGate Gate { get; }

    public TransportOptions Options { get; }

    public InboundConnections<SimInboundLink> Inbound { get; }

    /// <summary>Started, and neither stopped nor crashed.</summary>
    public bool IsRunning => _isStarted && !_isOver;

    public bool IsPaused => _network.NowUs < _pausedUntilUs;

    /// <inheritdoc/>
    public IReadOnlyList<PeerLink> Links => [.. _peers.Select(peer => peer.ToLink())];

    /// <inheritdoc/>
    public Task StartAsync(
        Action<IReadOnlyList<Message>> onReceived, Action<PeerReport> onReport, CancellationToken cancellationToken)
    {
        Invariant.Check(!_isStarted && !_isOver, "a transport is started once");
        _isStarted = true;
        _onReceived = onReceived;
        _onReport = onReport;
        _network.Listen(this);
        foreach (SimOutboundLink? link in _links)
        {
            link?.Connect();
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Send(IReadOnlyList<Message> messages)
    {
        if (!IsRunning)
        {
            return;
        }

        ulong touched = 0;
        for (int i = 0; i < messages.Count; i++)
        {
            Message message = Rewrite?.Invoke(messages[i]) ?? messages[i];
            OnSent?.Invoke(message);
            LinkTo(message.To).Send(message);
            touched |= 1UL << message.To.Value;
        }

        // Only now, so that all messages of this call to one peer go out in one segment.
        for (; touched != 0; touched &= touched - 1)
        {
            _links[BitOperations.TrailingZeroCount(touched)]!.Flush();
        }
    }

    /// <inheritdoc/>
    public void Report(PeerReport report)
    {
        if (!IsRunning)
        {
            return;
        }

        foreach (SimOutboundLink? link in _links)
        {
            link?.Send(report);
            link?.Flush();
        }
    }

    /// <summary>
    /// All nodes of the world keep their links, those that are no members yet or any more too; who is known to have
    /// been removed is refused when it comes again.
    /// </summary>
    public void Reconfigure(GroupMembers members, bool isSettled) => Gate.Reconfigure(_ids, members, isSettled);

    /// <inheritdoc/>
    public PeerRelease? ReleaseOf(NodeId node) =>
        IdentityOf(node)?.Release ?? Gate.ReleaseOfStranger(node.Value);

    /// <inheritdoc/>
    public void RequireFeatureLevel(int level) => Gate.RequireFeatureLevel(level);

    /// <inheritdoc/>
    public LinkState StateOf(NodeId peer) => FindPeer(peer.Value)?.ToState() ?? default;

    /// <inheritdoc/>
    public PeerIdentity? IdentityOf(NodeId peer) => FindPeer(peer.Value)?.Identity;

    /// <summary>
    /// As SIGSTOP does: until then the process hears and does nothing, while its kernel still acknowledges.
    /// </summary>
    public void PauseUntil(long momentUs)
    {
        _pausedUntilUs = Math.Max(_pausedUntilUs, momentUs);
        _network.After(_pausedUntilUs - _network.NowUs, PollAll);
    }

    public void Resume()
    {
        _pausedUntilUs = 0;
        PollAll();
    }

    /// <summary>
    /// The process dies. Its kernel closes its connections; after a power cut nobody does, and peers hear nothing until
    /// they time out or the machine is back.
    /// </summary>
    public void Crash(bool isPowerCut) => Leave(isPowerCut, socket =>
    {
        if (isPowerCut)
        {
            socket.Vanish();
        }
        else if (_network.Random.Chance(500))
        {
            socket.Reset();
        }
        else
        {
            socket.Close();
        }
    });

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Leave(isPowerCut: false, socket => socket.Close());
        return ValueTask.CompletedTask;
    }

    public Peer? FindPeer(int nodeId) => (uint)nodeId < (uint)_links.Length ? _links[nodeId]?.Peer : null;

    internal void Accept(SimSocket socket)
    {
        var link = new SimInboundLink(this, _network, socket);
        _inbound.Add(link);
        Inbound.Add(link)?.Close("it said nothing for too long");
        link.Start();
    }

    internal void Identified(SimInboundLink link, Peer peer)
    {
        bool isAdmitted = Inbound.TryAdmit(link, peer, out SimInboundLink? superseded);
        superseded?.Close("the peer connected anew");
        if (isAdmitted)
        {
            _links[peer.Id.Value]!.PeerIsUp();
        }
    }

    internal void Ended(SimInboundLink link)
    {
        Inbound.Remove(link);
        _inbound.Remove(link);
    }

    /// <summary>Whose receiving thread is handing messages over right now; null for nobody's.</summary>
    public NodeId? Receiving { get; private set; }

    /// <summary>The receiving thread of this peer does something else until it is released: what comes waits.</summary>
    public void Hold(NodeId peer) => _held.TryAdd(peer, []);

    public void Release(NodeId peer)
    {
        if (_held.Remove(peer, out Queue<IReadOnlyList<Message>>? waiting))
        {
            while (IsRunning && !_held.ContainsKey(peer) && waiting.TryDequeue(out IReadOnlyList<Message>? messages))
            {
                Deliver(messages);
            }

            // Held again by what it was handed: the rest stays in front of what comes.
            if (waiting.Count > 0 && _held.TryGetValue(peer, out Queue<IReadOnlyList<Message>>? again))
            {
                foreach (IReadOnlyList<Message> messages in waiting)
                {
                    again.Enqueue(messages);
                }
            }
        }
    }

    internal void Deliver(IReadOnlyList<Message> messages)
    {
        NodeId from = messages[0].From;
        if (_held.TryGetValue(from, out Queue<IReadOnlyList<Message>>? waiting))
        {
            waiting.Enqueue([.. messages]);
            return;
        }

        if (OnDelivered is { } onDelivered)
        {
            for (int i = 0; i < messages.Count; i++)
            {
                onDelivered(messages[i]);
            }
        }

        NodeId? before = Receiving;
        Receiving = from;
        _onReceived!(messages);
        Receiving = before;
    }

    internal void Deliver(PeerReport report) => _onReport!(report);

    /// <summary>Runs the action then, if the process still runs; once it is no longer paused.</summary>
    internal void Later(long delayUs, Action action) => _network.After(delayUs, () =>
    {
        if (!IsRunning)
        {
            return;
        }

        if (IsPaused)
        {
            Later(_pausedUntilUs - _network.NowUs, action);
            return;
        }

        action();
    });

    internal void Trace(string what) => _network.OnTrace?.Invoke($"node-{Self.NodeId}   {what}");

    internal bool IsTracing => _network.OnTrace is not null;

    private SimOutboundLink LinkTo(NodeId to)
    {
        SimOutboundLink? link = (uint)to.Value < (uint)_links.Length ? _links[to.Value] : null;
        Invariant.Check(link is not null, "a node sends to its peers only");
        return link!;
    }

    private void PollAll()
    {
        if (!IsRunning || IsPaused)
        {
            return;
        }

        foreach (SimInboundLink link in _inbound.ToArray())
        {
            link.Poll();
        }

        foreach (SimOutboundLink? link in _links)
        {
            link?.Poll();
        }
    }

    private void Leave(bool isPowerCut, Action<SimSocket> end)
    {
        if (_isOver)
        {
            return;
        }

        _isOver = true;
        foreach (SimInboundLink link in _inbound.ToArray())
        {
            link.Stop(end);
        }

        foreach (SimOutboundLink? link in _links)
        {
            link?.Stop(end);
        }

        if (_isStarted)
        {
            _network.Leave(this, isPowerCut);
        }
    }
}
