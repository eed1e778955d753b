using KvCloud.Consensus;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// The network between simulated nodes: connections that carry the bytes of the production sessions. They take time to
/// make and may fail to; they stall, break in the middle of a frame, change bytes; paths are cut in each direction on
/// their own; machines lose their power.
/// </summary>
internal sealed class SimByteNetwork
{
    private const int SynRetryUs = 1_000_000;
    private const int HealedMaxDelayUs = 2_000;

    private readonly ISimScheduler _scheduler;
    private readonly SimProfile _profile;
    private readonly bool[,] _isCut;
    private readonly bool[] _isWithoutPower;
    private readonly SimTransport?[] _listeners;
    private readonly List<SimConnection> _connections = [];

    public SimByteNetwork(ISimScheduler scheduler, SimProfile profile)
    {
        _scheduler = scheduler;
        _profile = profile;
        _isCut = new bool[profile.AllNodes, profile.AllNodes];
        _isWithoutPower = new bool[profile.AllNodes];
        _listeners = new SimTransport?[profile.AllNodes];
    }

    /// <summary>
    /// Told of each connection that is made, ends, breaks, and of each change of paths; null for nobody.
    /// </summary>
    public Action<string>? OnTrace { get; set; }

    public long NowUs => _scheduler.NowUs;

    public DeterministicRandom Random => _scheduler.Random;

    /// <summary>All trouble has ended for good.</summary>
    public bool IsHealed { get; private set; }

    /// <summary>Connections of which at least one end is open.</summary>
    public int Connections => _connections.Count;

    public int SendBufferBytes => _profile.SendBufferBytes;

    public int SplitPerMille => _profile.SplitPerMille;

    public int LossPerMille => IsHealed ? 0 : _profile.LossPerMille;

    public int DuplicatePerMille => IsHealed ? 0 : _profile.DuplicatePerMille;

    public int ReorderPerMille => IsHealed ? 0 : _profile.ReorderPerMille;

    public int MaxReorderUs => 10 * _profile.MaxDelayUs;

    /// <summary>
    /// Limits and times of a transport, drawn so that queues do get full and dead connections are noticed in time.
    /// </summary>
    public static TransportOptions DrawOptions(DeterministicRandom random) => new()
    {
        MaxFrameBytes = 256 * 1024,
        MaxQueuedBulkBytes = (256 << random.Next(4)) * 1024,
        MaxQueuedControlBytes = (64 << random.Next(4)) * 1024,
        HandshakeTimeoutMs = 300 + random.Next(1_500),
        ConnectTimeoutMs = 300 + random.Next(1_500),
        PeerTimeoutMs = random.Next(2) == 0 ? 200 + random.Next(800) : 3_000,
        MinReconnectDelayMs = 5 + random.Next(50),
        MaxReconnectDelayMs = 100 + random.Next(900),
    };

    /// <summary>
    /// The transport of one start of a node, on this network from its start until it is disposed of or crashes.
    /// </summary>
    /// <param name="incarnations">The node's own, from its disk.</param>
    /// <param name="bootstrap">Whom it still has to meet.</param>
    public SimTransport Join(
        PeerIdentity self,
        IEnumerable<int> peers,
        IIncarnationRegistry incarnations,
        Bootstrap bootstrap,
        TransportOptions options) =>
        new(this, self, peers, incarnations, bootstrap, options);

    /// <summary>Changes what is cut, in one of the ways in which real networks fail.</summary>
    public void ChangePartition()
    {
        int count = _profile.AllNodes;
        int kind = Random.Next(7);
        int one = Random.Next(count);
        int other = (one + 1 + Random.Next(Math.Max(1, count - 1))) % count;
        if (kind != 6)
        {
            Array.Clear(_isCut);
        }

        for (int i = 0; i < count; i++)
        {
            switch (kind)
            {
                case 0: Mark(one, i, true, true); break; // One node alone.
                case 1: Mark(one, i, true, false); break; // One node is not heard.
                case 2: Mark(one, i, false, true); break; // One node hears nothing.
                case 3: // Two halves.
                    for (int j = 0; j < count; j++)
                    {
                        Mark(i, j, i % 2 != j % 2, i % 2 != j % 2);
                    }

                    break;
                case 4: Mark(one, other, true, true); break; // Two that do not see each other, though all others do.
                case 6: Mark(Random.Next(count), Random.Next(count), true, false); break; // One more path, one way.
                default: break; // Healed.
            }
        }

        OnTrace?.Invoke($"network  partition kind {kind} at node-{one}, node-{other}");
        PathsChanged();
    }

    /// <summary>From now on nothing passes in this direction.</summary>
    public void Cut(int from, int to)
    {
        _isCut[from, to] = true;
        PathsChanged();
    }

    /// <summary>This direction is as good as new; what stalled on it is retransmitted after a while.</summary>
    public void Restore(int from, int to)
    {
        _isCut[from, to] = false;
        PathsChanged();
    }

    /// <summary>One of the connections breaks.</summary>
    public void BreakConnection()
    {
        if (_connections.Count > 0)
        {
            SimConnection connection = _connections[Random.Next(_connections.Count)];
            OnTrace?.Invoke($"network  breaks {Describe(connection)}");
            connection.Break();
        }
    }

    /// <summary>What is written next on one of the connections comes out changed.</summary>
    public void CorruptConnection()
    {
        if (_connections.Count > 0)
        {
            SimConnection connection = _connections[Random.Next(_connections.Count)];
            OnTrace?.Invoke($"network  corrupts {Describe(connection)}");
            (Random.Next(10) == 0 ? connection.Server.Out : connection.Client.Out).Corrupt();
        }
    }

    /// <summary>All trouble ends: no path is cut, nothing is lost, held up or changed any more.</summary>
    public void Heal()
    {
        IsHealed = true;
        Array.Clear(_isCut);
        foreach (SimConnection corrupted in _connections.Where(connection => connection.IsCorrupted).ToArray())
        {
            // A changed length makes the receiver wait for bytes that nobody may ever send.
            corrupted.Break();
        }

        PathsChanged();
    }

    public bool IsCut(int from, int to) => _isCut[from, to];

    public bool IsPowered(int host) => !_isWithoutPower[host];

    /// <summary>Whether what the one sends now gets to the other's machine.</summary>
    public bool IsReachable(int from, int to) => !_isCut[from, to] && !_isWithoutPower[from] && !_isWithoutPower[to];

    public void After(long delayUs, Action action) => _scheduler.After(delayUs, action);

    /// <summary>How long the next segment takes.</summary>
    public long DrawDelayUs()
    {
        long delayUs = 50 + Random.Next(IsHealed ? HealedMaxDelayUs : _profile.MaxDelayUs);
        return !IsHealed && Random.Chance(_profile.HeldUpPerMille)
            ? delayUs + (Random.Next(_profile.HeldUpMaxMs) * SimProfile.Millisecond)
            : delayUs;
    }

    /// <summary>A reset is on its way to this end; it is lost where the path is cut.</summary>
    public void ResetLater(SimSocket end) => After(DrawDelayUs(), () =>
    {
        if (IsReachable(end.Other.Host, end.Host))
        {
            end.Fail("connection reset by peer");
        }
    });

    public void Listen(SimTransport transport)
    {
        int host = transport.Self.NodeId;
        Invariant.Check(_listeners[host] is null, "a node runs once at a time");
        _listeners[host] = transport;
        _isWithoutPower[host] = false;
        HostChanged(host);
    }

    public void Leave(SimTransport transport, bool isPowerCut)
    {
        int host = transport.Self.NodeId;
        if (_listeners[host] == transport)
        {
            _listeners[host] = null;
            _isWithoutPower[host] = isPowerCut;
            HostChanged(host);
        }
    }

    /// <summary>
    /// Tries to connect; <paramref name="done"/> gets the socket, or the reason why there is none. What goes nowhere is
    /// never done: the caller has a deadline.
    /// </summary>
    /// <param name="isWanted">Whether the caller still waits.</param>
    public void Connect(int from, int to, int peerTimeoutMs, Func<bool> isWanted, Action<SimSocket?, string> done) =>
        After(DrawDelayUs(), () =>
        {
            if (!isWanted())
            {
                return;
            }

            if (!IsReachable(from, to) || !IsReachable(to, from))
            {
                After(SynRetryUs, () => Connect(from, to, peerTimeoutMs, isWanted, done));
            }
            else if (_listeners[to] is not SimTransport listener)
            {
                After(DrawDelayUs(), () => done(null, "connection refused"));
            }
            else if (!IsHealed && Random.Chance(_profile.ConnectFailPerMille))
            {
                After(DrawDelayUs(), () => done(null, "no route to host"));
            }
            else
            {
                Accept(listener, from, peerTimeoutMs, isWanted, done);
            }
        });

    public void Forget(SimConnection connection) => _connections.Remove(connection);

    private static string Describe(SimConnection connection) => $"{connection.Client.Host}->{connection.Server.Host}";

    private void Accept(
        SimTransport listener, int from, int peerTimeoutMs, Func<bool> isWanted, Action<SimSocket?, string> done)
    {
        var connection = new SimConnection(this, from, listener.Self.NodeId, peerTimeoutMs);
        _connections.Add(connection);
        listener.Accept(connection.Server);
        After(DrawDelayUs(), () =>
        {
            if (isWanted())
            {
                done(connection.Client, "");
            }
            else
            {
                connection.Client.Reset();
            }
        });
    }

    private void Mark(int from, int to, bool outward, bool inward)
    {
        if (from != to)
        {
            _isCut[from, to] |= outward;
            _isCut[to, from] |= inward;
        }
    }

    private void PathsChanged()
    {
        foreach (SimConnection connection in _connections.ToArray())
        {
            connection.PathChanged();
        }
    }

    private void HostChanged(int host)
    {
        foreach (SimConnection connection in _connections.Where(connection => connection.Joins(host)).ToArray())
        {
            connection.PathChanged();
        }
    }
}
