using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Protocol;

namespace KvCloud.Tests.Live;

/// <summary>
/// A cluster of real processes on free ports, with its data in a temporary folder, and what tests ask of it.
/// </summary>
internal sealed class LiveCluster : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);

    private readonly PeerProxies? _network;

    private LiveCluster(Topology topology, ProcessCluster processes, PeerProxies? network)
    {
        Topology = topology;
        Processes = processes;
        _network = network;
    }

    public Topology Topology { get; }

    public ProcessCluster Processes { get; }

    /// <summary>The network between the replicas, of a cluster that was started with one.</summary>
    public PeerProxies Network =>
        _network ?? throw new InvalidOperationException("the cluster was started without proxies between its replicas");

    /// <summary>Those that new clients use; null: they speak clear text.</summary>
    public LiveCertificates? Certificates { get; set; }

    public int Count => Topology.Replicas.Length;

    /// <summary>Where clients reach each replica.</summary>
    public IReadOnlyList<string> Endpoints => [.. Topology.ClientEndpoints];

    /// <param name="environment">Variables over those of the topology, for each replica.</param>
    /// <param name="withNetwork">Whether the replicas reach each other through <see cref="Network"/>.</param>
    /// <param name="members">
    /// So many begin as the group, and are started; the others are to be added to it, once the test has started them.
    /// </param>
    /// <param name="dataRoot">Data to begin with; null: none. It is removed at the end.</param>
    /// <param name="clusterId">That of the data; null: the usual one.</param>
    /// <param name="onLine">Called for each line that a replica writes.</param>
    /// <param name="certificates">Those of the replicas and of clients; null: all is in clear text.</param>
    /// <param name="probesByTls">Whether the replicas' HTTP ports speak TLS, if there are certificates.</param>
    /// <param name="restartCrashed">Whether a replica that was killed is started again, as `kv demo` does it.</param>
    public static async Task<LiveCluster> StartAsync(
        int replicas = 3,
        Func<Replica, IEnumerable<KeyValuePair<string, string?>>>? environment = null,
        bool withNetwork = false,
        bool restartCrashed = false,
        int? members = null,
        string? dataRoot = null,
        string? clusterId = null,
        Action<Replica, string>? onLine = null,
        LiveCertificates? certificates = null,
        bool probesByTls = true)
    {
        dataRoot ??= Directory.CreateTempSubdirectory("kvcloud-live-").FullName;
        Topology topology = Topology.OnFreePorts(replicas, dataRoot) with
        {
            ClusterId = clusterId ?? Topology.DefaultClusterId,
            Tls = certificates?.Tls,
        };
        PeerProxies? network = withNetwork ? new PeerProxies(topology) : null;
        var processes = new ProcessCluster(topology, new ProcessClusterOptions
        {
            RestartCrashed = restartCrashed,
            OnLine = onLine,
            ProbesByTls = probesByTls,
            ExtraEnvironment = replica =>
                [
                    .. environment?.Invoke(replica) ?? [],
                    .. network?.EnvironmentOf(replica) ?? [],
                    .. members is int count ? MembershipOf(replica, count, replicas) : [],
                ],
        });
        var cluster = new LiveCluster(topology, processes, network) { Certificates = certificates };
        try
        {
            int[] first = [.. Enumerable.Range(0, members ?? replicas)];
            foreach (int index in first)
            {
                processes.Start(index);
            }

            await cluster.WaitHealthyAsync(first);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Those of the first group know of no others; a later one knows all, and that it joins.</summary>
    private static IEnumerable<KeyValuePair<string, string?>> MembershipOf(Replica replica, int members, int replicas)
    {
        if (replica.Index >= members)
        {
            return [KeyValuePair.Create<string, string?>("KvCloud__Deployment__Join", "true")];
        }

        return Enumerable.Range(members, replicas - members).SelectMany(index => (KeyValuePair<string, string?>[])
        [
            KeyValuePair.Create<string, string?>(NodeEnvironment.ReplicaEndpoint(index), null),
            KeyValuePair.Create<string, string?>(NodeEnvironment.ConsensusEndpoint(index), null),
        ]);
    }

    /// <summary>A client that knows all replicas; <paramref name="change"/> alters its settings.</summary>
    public KvCloudClient NewClient(Action<KvCloudClientSettings>? change = null)
    {
        var settings = new KvCloudClientSettings { ConnectionString = $"Endpoints={string.Join(',', Endpoints)}" };
        Certificates?.Secure(settings);
        change?.Invoke(settings);
        return new KvCloudClient(settings);
    }

    public async Task WaitHealthyAsync(params int[] only)
    {
        using var timeout = new CancellationTokenSource(StartTimeout);
        int[] indexes = only.Length > 0 ? only : [.. Enumerable.Range(0, Count)];
        try
        {
            await Processes.WaitHealthyAsync(indexes, timeout.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException(
                $"not healthy within {StartTimeout.TotalSeconds} s:\n{string.Join('\n', indexes.SelectMany(TailOf))}");
        }
    }

    /// <summary>Index of the replica that leads, as any of those that are <paramref name="among"/> tells.</summary>
    public async Task<int> LeaderAsync(KvCloudClient client, params int[] among)
    {
        int[] candidates = among.Length > 0 ? among : [.. Enumerable.Range(0, Count)];
        for (int attempt = 0; attempt < 400; attempt++)
        {
            foreach (int index in candidates)
            {
                try
                {
                    KvClusterHealth health = await client.GetClusterHealthAsync(
                        new KvReadOptions { Endpoint = Endpoints[index], Timeout = TimeSpan.FromSeconds(1) });
                    if (health.Leader is { } leader && candidates.Contains(leader.Id))
                    {
                        return leader.Id;
                    }
                }
                catch (KvCloudException)
                {
                    // This replica is down or does not know; the next may.
                }
            }

            await Task.Delay(25);
        }

        throw new TimeoutException("nobody leads");
    }

    /// <summary>Waits until the replica has everything that is committed now.</summary>
    public async Task CatchUpAsync(KvCloudClient client, int index)
    {
        await client.GetAsync(
            "catch-up"u8.ToArray(),
            new KvReadOptions
            {
                Consistency = ReadConsistency.READ_INDEX,
                Endpoint = Endpoints[index],
                Timeout = TimeSpan.FromSeconds(30),
            });
    }

    public IEnumerable<string> TailOf(int index) =>
        Processes.LogTail(index).TakeLast(30).Select(line => $"node-{index} | {line}");

    public async ValueTask DisposeAsync()
    {
        await Processes.DisposeAsync();
        if (_network is not null)
        {
            await _network.DisposeAsync();
        }

        Directory.Delete(Topology.DataRoot, recursive: true);
    }
}
