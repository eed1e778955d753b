using System.Collections.Concurrent;
using System.Net;
using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Protocol;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Live.Lifecycle;

/// <summary>How a <see cref="GrowingCluster"/> begins.</summary>
internal sealed record GrowingClusterOptions
{
    /// <summary>Replicas that the group begins with: numbers from 0.</summary>
    public required int Members { get; init; }

    /// <summary>Numbers there are, those of replicas that join later among them.</summary>
    public required int Numbers { get; init; }

    /// <summary>Whether replicas reach each other through a proxy before each of them.</summary>
    public bool HasProxies { get; init; }

    /// <summary>Variables over those of the topology.</summary>
    public Func<int, IEnumerable<KeyValuePair<string, string?>>> Environment { get; init; } = _ => [];

    /// <summary>Where the directories of the replicas are.</summary>
    public required string DataRoot { get; init; }

    /// <summary>Where what each replica says is kept, in a file of its own; null: nowhere.</summary>
    public string? LogDirectory { get; init; }
}

/// <summary>
/// Real processes whose group changes: replicas are added, replaced, removed and moved through the client's calls, as
/// an operator does it with `kv member`.
/// </summary>
internal sealed class GrowingCluster : IAsyncDisposable
{
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromMilliseconds(200);

    private readonly GrowingClusterOptions _options;
    private readonly ConcurrentDictionary<int, TcpProxy> _proxies = new();
    private readonly ConcurrentDictionary<int, (int Thrift, int Peer)> _moved = new();
    private readonly ConcurrentQueue<string> _alarms = new();
    private readonly SortedSet<int> _members;
    private int _nextNumber;
    private int _snapshots;

    private GrowingCluster(GrowingClusterOptions options)
    {
        _options = options;
        int[] ports = SettledPorts.Find(3 * options.Numbers);
        Topology = new Topology
        {
            Replicas =
            [
                .. Enumerable.Range(0, options.Numbers)
                    .Select(i => new Replica(i, ports[3 * i], ports[(3 * i) + 1], ports[(3 * i) + 2])),
            ],
            DataRoot = options.DataRoot,
        };
        _members = [.. Enumerable.Range(0, options.Members)];
        _nextNumber = options.Members;
        Processes = new ProcessCluster(Topology, new ProcessClusterOptions
        {
            RestartCrashed = false,
            ExtraEnvironment = EnvironmentOf,
            OnLine = NoteLine,
        });
        Admin = new KvCloudClient(new KvCloudClientSettings
        {
            ConnectionString = $"Endpoints={string.Join(',', _members.Select(ClientEndpointOf))}",
            Timeout = TimeSpan.FromSeconds(30),
        });
    }

    public Topology Topology { get; }

    public ProcessCluster Processes { get; }

    /// <summary>For changes of members.</summary>
    public KvCloudClient Admin { get; }

    /// <summary>Numbers of the replicas that are members now.</summary>
    public IReadOnlyList<int> Members => [.. _members];

    /// <summary>Numbers that no replica has had yet.</summary>
    public int NumbersLeft => _options.Numbers - _nextNumber;

    /// <summary>Snapshots that were put in place.</summary>
    public int Snapshots => Volatile.Read(ref _snapshots);

    /// <summary>Lines in which a replica says that replicas differ, or that it cannot go on.</summary>
    public IReadOnlyCollection<string> Alarms => _alarms;

    public static async Task<GrowingCluster> StartAsync(GrowingClusterOptions options)
    {
        var cluster = new GrowingCluster(options);
        try
        {
            foreach (int index in cluster.Members)
            {
                cluster.Start(index);
            }

            await cluster.WaitHealthyAsync(TimeSpan.FromSeconds(60));
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public string ClientEndpointOf(int index) =>
        Topology.At(_moved.TryGetValue(index, out (int Thrift, int Peer) moved)
            ? moved.Thrift
            : Topology.Replicas[index].ThriftPort);

    /// <summary>Where the other replicas reach it: at its proxy, if there is one.</summary>
    public string PeerEndpointOf(int index) =>
        _options.HasProxies ? ProxyOf(index).EndPoint.ToString() : Topology.At(PeerPortOf(index));

    public TcpProxy ProxyOf(int index) => _proxies.GetOrAdd(
        index, number => new TcpProxy(() => new IPEndPoint(IPAddress.Loopback, PeerPortOf(number))));

    public string DirectoryOf(int index) => Path.Combine(Topology.DataRoot, $"node_{index}");

    public void Start(int index) => Processes.Start(index);

    /// <exception cref="TimeoutException">They run and are not healthy; the message has their last lines.</exception>
    /// <param name="timeout">From now on.</param>
    /// <param name="only">Which; all members if there are none.</param>
    public async Task WaitHealthyAsync(TimeSpan timeout, params int[] only)
    {
        int[] indexes = only.Length > 0 ? only : [.. _members];
        using var cancellation = new CancellationTokenSource(timeout);
        try
        {
            await Processes.WaitHealthyAsync(indexes, cancellation.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException(
                $"not healthy within {timeout.TotalSeconds} s:\n{string.Join('\n', indexes.SelectMany(TailOf))}");
        }
    }

    /// <summary>Number of the replica that leads, as the members tell; null while none of them knows.</summary>
    public async Task<int?> FindLeaderAsync()
    {
        foreach (int index in Members)
        {
            try
            {
                KvClusterHealth health = await Admin.GetClusterHealthAsync(
                    new KvReadOptions { Endpoint = ClientEndpointOf(index), Timeout = TimeSpan.FromSeconds(1) });
                if (health.Leader is { } leader)
                {
                    return leader.Id;
                }
            }
            catch (KvCloudException)
            {
                // This replica is down or does not know; the next may.
            }
        }

        return null;
    }

    public async Task<int> LeaderAsync(TimeSpan timeout)
    {
        long deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        while (true)
        {
            if (await FindLeaderAsync() is int leader)
            {
                return leader;
            }

            if (Environment.TickCount64 > deadline)
            {
                throw new TimeoutException($"nobody leads within {timeout.TotalSeconds} s");
            }

            await Task.Delay(AskAgainAfter);
        }
    }

    /// <summary>Starts a replica with a number of its own and has the group take it in, without a vote.</summary>
    public async Task<int> AddAsync(TimeSpan timeout)
    {
        int index = _nextNumber++;
        Start(index);
        await ChangeAsync(
            new KvMemberChange
            {
                Kind = MemberChangeKind.ADD,
                NodeId = index,
                PeerEndpoint = PeerEndpointOf(index),
                ClientEndpoint = ClientEndpointOf(index),
            },
            timeout);
        _members.Add(index);
        return index;
    }

    /// <summary>Gives a learner its vote, once it has caught up.</summary>
    public Task PromoteAsync(int index, TimeSpan timeout) => ChangeAsync(
        new KvMemberChange { Kind = MemberChangeKind.PROMOTE, NodeId = index }, timeout);

    /// <summary>
    /// A learner takes the place of another in one change. The other's process ends by itself if it runs.
    /// </summary>
    public async Task ReplaceAsync(int old, int index, TimeSpan timeout)
    {
        await ChangeAsync(
            new KvMemberChange { Kind = MemberChangeKind.REPLACE, NodeId = index, ReplacedNodeId = old }, timeout);
        _members.Remove(old);
    }

    public async Task RemoveAsync(int index, TimeSpan timeout)
    {
        await ChangeAsync(new KvMemberChange { Kind = MemberChangeKind.REMOVE, NodeId = index }, timeout);
        _members.Remove(index);
    }

    /// <summary>
    /// From its next start on the replica listens on other ports. Says where the others then reach it.
    /// </summary>
    public KvMemberChange Move(int index)
    {
        int[] ports = SettledPorts.Find(2);
        _moved[index] = (ports[0], ports[1]);
        return new KvMemberChange
        {
            Kind = MemberChangeKind.UPDATE,
            NodeId = index,
            PeerEndpoint = PeerEndpointOf(index),
            ClientEndpoint = ClientEndpointOf(index),
        };
    }

    /// <summary>Asks again as long as the group refuses it, mostly because a learner has not caught up yet.</summary>
    public async Task ChangeAsync(KvMemberChange change, TimeSpan timeout)
    {
        long deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        while (true)
        {
            try
            {
                await Admin.ChangeMembersAsync(change);
                return;
            }
            catch (KvCloudException refusal) when (Environment.TickCount64 < deadline
                && (refusal.ErrorCode == ErrorCode.INVALID_ARGUMENT || refusal.IsTransient || !refusal.OutcomeKnown))
            {
                // What is done already succeeds at once, so a change of unknown outcome is simply asked for again.
                await Task.Delay(AskAgainAfter);
            }
        }
    }

    public IEnumerable<string> TailOf(int index) =>
        Processes.LogTail(index).TakeLast(30).Select(line => $"node-{index} | {line}");

    public async ValueTask DisposeAsync()
    {
        await Admin.DisposeAsync();
        await Processes.DisposeAsync();
        foreach (TcpProxy proxy in _proxies.Values)
        {
            await proxy.DisposeAsync();
        }
    }

    private int PeerPortOf(int index) => _moved.TryGetValue(index, out (int Thrift, int Peer) moved)
        ? moved.Peer
        : Topology.Replicas[index].PeerPort;

    /// <summary>
    /// Those of the first group know of no others; a later one knows those before it, and that it joins.
    /// </summary>
    private IEnumerable<KeyValuePair<string, string?>> EnvironmentOf(Replica replica)
    {
        bool joins = replica.Index >= _options.Members;
        int known = joins ? replica.Index + 1 : _options.Members;
        for (int index = 0; index < _options.Numbers; index++)
        {
            bool isKnown = index < known;
            yield return new(NodeEnvironment.ReplicaEndpoint(index), isKnown ? ClientEndpointOf(index) : null);
            yield return new(NodeEnvironment.ConsensusEndpoint(index), isKnown ? PeerEndpointOf(index) : null);
        }

        if (joins)
        {
            yield return new("KvCloud__Deployment__Join", "true");
        }

        if (_moved.TryGetValue(replica.Index, out (int Thrift, int Peer) moved))
        {
            yield return new(NodeEnvironment.ThriftPort, $"{moved.Thrift}");
            yield return new(NodeEnvironment.PeerPort, $"{moved.Peer}");
        }

        foreach (KeyValuePair<string, string?> variable in _options.Environment(replica.Index))
        {
            yield return variable;
        }
    }

    private void NoteLine(Replica replica, string line)
    {
        if (_options.LogDirectory is string directory)
        {
            lock (_alarms)
            {
                File.AppendAllText(Path.Combine(directory, $"{replica.Name}.log"), $"{line}\n");
            }
        }

        if (line.Contains("STATE DIVERGED", StringComparison.Ordinal)
            || line.Contains("replication failed", StringComparison.Ordinal))
        {
            _alarms.Enqueue($"{replica.Name}: {line}");
        }
        else if (line.Contains("is in place", StringComparison.Ordinal))
        {
            Interlocked.Increment(ref _snapshots);
        }
    }
}
