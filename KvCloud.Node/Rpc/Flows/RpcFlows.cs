using System.Net;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Fairness;

namespace KvCloud.Node.Rpc.Flows;

/// <summary>
/// Who calls this node at the moment. A caller is an address, until a connection says which user it is. Thread-safe.
/// </summary>
internal sealed class RpcFlows(RpcLimits limits, IReplicaClock clock, WriteFlows writes)
{
    /// <summary>
    /// How long one without connections is remembered; longer if its rates make it wait longer, so that nobody gets
    /// more by connecting anew.
    /// </summary>
    private const int RememberMs = 2000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, RpcFlow> _flows = new(StringComparer.Ordinal);
    private readonly ContentionTracker _contention = new(clock);
    private int _connections;

    /// <summary>Callers with a connection, and those that had one a moment ago.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _flows.Count;
            }
        }
    }

    /// <summary>Callers that are slowed down at the moment, because others wait for them.</summary>
    public int Paced
    {
        get
        {
            lock (_gate)
            {
                return _flows.Values.Count(flow => flow.Pace.PerSecond is not null);
            }
        }
    }

    /// <summary>Callers whose writes wait, those that come by other nodes included.</summary>
    public int WaitingWriters => writes.CountWaiting();

    public void CopyTo(List<RpcFlow> flows)
    {
        lock (_gate)
        {
            flows.AddRange(_flows.Values);
        }
    }

    /// <summary>
    /// Counts a new connection of the address; <see cref="Leave"/> follows. Null if it has too many, and then names the
    /// limit.
    /// </summary>
    public RpcFlow? TryEnter(EndPoint? remote, out string? limit)
    {
        string name = CallerAddress.NameOf(remote);
        lock (_gate)
        {
            int held = _flows.GetValueOrDefault(name)?.Connections ?? 0;
            limit = FindFullLimit(name, held);
            if (limit is not null)
            {
                return null;
            }

            _connections++;
            return Enter(name);
        }
    }

    /// <summary>The connection is gone.</summary>
    public void Leave(RpcFlow flow)
    {
        lock (_gate)
        {
            _connections--;
            Forget(flow);
        }
    }

    /// <summary>
    /// A connection has logged in: from now on its calls are the user's. It stays one of its address' connections.
    /// <see cref="LeaveUser"/> follows.
    /// </summary>
    public RpcFlow EnterUser(string name)
    {
        lock (_gate)
        {
            return Enter($"user {name}");
        }
    }

    /// <summary>The connection is gone, or speaks for somebody else.</summary>
    public void LeaveUser(RpcFlow flow)
    {
        lock (_gate)
        {
            Forget(flow);
        }
    }

    /// <summary>Called under the lock.</summary>
    private void Forget(RpcFlow flow)
    {
        if (--flow.Connections == 0)
        {
            flow.IdleSinceMs = clock.NowMs;
        }
    }

    /// <summary>Forgets callers that have been gone for a while. To be called every second or so.</summary>
    public void ForgetIdle()
    {
        long before = clock.NowMs - RememberMs;
        lock (_gate)
        {
            foreach ((string name, RpcFlow flow) in _flows)
            {
                if (flow.Connections == 0 && flow.IdleSinceMs < before && !flow.IsSpent)
                {
                    _flows.Remove(name);
                    writes.Return(flow.Writes);
                }
            }
        }
    }

    private string? FindFullLimit(string name, int held)
    {
        if (_connections >= limits.MaxConnections)
        {
            return $"max_connections ({limits.MaxConnections}) reached";
        }

        if (limits.MaxConnectionsPerAddress > 0 && held >= limits.MaxConnectionsPerAddress)
        {
            return $"max_connections_per_address ({limits.MaxConnectionsPerAddress}) reached by {name}";
        }

        return FairShare.IsUsedUp(held, _connections, limits.MaxConnections)
            ? $"max_connections ({limits.MaxConnections}): {FairShare.Describe(name, held, "connections")}"
            : null;
    }

    /// <summary>The caller has sent something.</summary>
    public void NoteCall(RpcFlow flow) => _contention.Note(flow);

    /// <summary>One core is left to the others.</summary>
    private int MaxRunning() => _contention.IsContended ? Math.Max(1, Environment.ProcessorCount - 1) : int.MaxValue;

    private RpcFlow Enter(string name)
    {
        if (!_flows.TryGetValue(name, out RpcFlow? flow))
        {
            flow = new RpcFlow(writes.Rent(name), limits, clock, new FlowTurns(MaxRunning));
            _flows.Add(name, flow);
        }

        flow.Connections++;
        return flow;
    }
}
