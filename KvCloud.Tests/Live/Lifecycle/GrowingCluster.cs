using System.Collections.Concurrent;
using System.Net;
using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Protocol;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Live.Lifecycle;

/// <summary>Settings of a <see cref="GrowingCluster"/>.</summary>
internal sealed record GrowingClusterOptions
{
    /// <summary>The number of initial members, with ids from 0.</summary>
    public required int Members { get; init; }

    /// <summary>The number of ids, including those of replicas that join later.</summary>
    public required int Numbers { get; init; }

    /// <summary>Whether each replica is behind a proxy through which its peers reach it.</summary>
    public bool HasProxies { get; init; }

    /// <summary>Environment variables in addition to those of the topology.</summary>
    public Func<int, IEnumerable<KeyValuePair<string, string?>>> Environment { get; init; } = _ => [];

    /// <summary>The parent of the replicas' directories.</summary>
    public required string DataRoot { get; init; }

    /// <summary>The directory for the replicas' logs, a file for each; null to keep none.</summary>
    public string? LogDirectory { get; init; }
}

/// <summary>
/// Real processes whose group changes: replicas are added, replaced, removed and moved through the client's calls, as
/// with `kv member`.
/// </summary>
internal sealed class GrowingCluster : IAsyncDisposable
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(200);

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

    /// <summary>The client that makes changes of members.</summary>
    public KvCloudClient Admin { get; }

    /// <summary>The ids of the current members.</summary>
    public IReadOnlyList<int> Members => [.. _members];

    /// <summary>The number of ids that no replica has had yet.</summary>
    public int NumbersLeft => _options.Numbers - _nextNumber;

    /// <summary>Snapshots that replicas have installed.</summary>
    public int Snapshots => Volatile.Read(ref _snapshots);

    /// <summary>Log lines that report diverged replicas, or a replica that stops.</summary>
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

    /// <summary>The address at which peers reach the replica: its proxy's, if it has one.</summary>
    public string PeerEndpointOf(int index) =>
        _options.HasProxies ? ProxyOf(index).EndPoint.ToString() : Topology.At(PeerPortOf(index));

    public TcpProxy ProxyOf(int index) => _proxies.GetOrAdd(
        index, number => new TcpProxy(() => new IPEndPoint(IPAddress.Loopback, PeerPortOf(number))));

    public string DirectoryOf(int index) => Path.Combine(Topology.DataRoot, $"node_{index}");

    public void Start(int index) => Processes.Start(index);

    /// <exception cref="TimeoutException">They are not healthy in time; the message has their last lines.</exception>
    /// <param name="timeout">The time to wait.</param>
    /// <param name="only">The replicas to wait for; all members if none is given.</param>
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

    /// <summary>The id of the leader as a member reports it; null while none of them knows one.</summary>
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

            await Task.Delay(PollInterval);
        }
    }

    /// <summary>Starts a replica with a new id and adds it to the group as a learner.</summary>
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
    /// Replaces a member by a learner in one change. The replaced process exits by itself if it runs.
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
    /// Gives the replica other ports from its next start on. Returns the change that tells the group.
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

    /// <summary>Makes a change, and retries while the group refuses it, mostly for a learner that is behind.</summary>
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
                // Changes are idempotent, so one of unknown outcome is simply retried.
                await Task.Delay(PollInterval);
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
    /// Initial members are configured with each other only; a later replica with all before it, and to join.
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
