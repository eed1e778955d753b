using System.Collections.Concurrent;
using System.Net.Sockets;
using KvCloud.Consensus;
using KvCloud.Node;
using KvCloud.Node.Access;
using KvCloud.Node.Cluster;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.Routing;
using KvCloud.Node.Rpc;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;
using KvCloud.Protocol;
using KvCloud.Tests.Simulation;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Thrift;
using Thrift.Protocol;
using Thrift.Transport;
using Thrift.Transport.Client;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>
/// Real replicas in this process, each behind the real Thrift server; only disk and network between them are in memory.
/// </summary>
internal sealed class ServiceHost : IAsyncDisposable
{
    /// <summary>Of the user admin, where authorization is required; the last replica alone is told.</summary>
    public const string AdminPassword = "the first password";

    public const long LowSpaceBytes = 1_000_000;
    public const long MinSpaceBytes = 100_000;

    private readonly List<Replica> _replicas = [];
    private readonly List<MemoryPaxosLog> _logs = [];
    private readonly List<SimDisk> _disks = [];
    private readonly List<RpcTestHost> _servers = [];
    private readonly List<KvStoreExecutor> _executors = [];
    private readonly List<IDisposable> _disposables = [];
    private readonly ConcurrentQueue<Exception> _fatal = new();

    public IReadOnlyList<RpcTestHost> Servers => _servers;

    public int Port => _servers[0].Port;

    /// <summary>Index of the replica that leads.</summary>
    public int Leader => _replicas.FindIndex(replica => replica.Driver.HasLease);

    public InMemoryNetwork Network { get; } = new();

    public IReadOnlyList<Replica> Replicas => _replicas;

    /// <summary>The replicas' executors, by index.</summary>
    public IReadOnlyList<KvStoreExecutor> Executors => _executors;

    /// <summary>The replicas' logs, by index.</summary>
    public IReadOnlyList<MemoryPaxosLog> Logs => _logs;

    /// <summary>Called for each command that a replica, whose index it is given, applies.</summary>
    public Action<int>? Applying { get; set; }

    /// <summary>What each replica believes of its free space is said by one of these.</summary>
    public IReadOnlyList<SimDisk> Disks => _disks;

    public static async Task<ServiceHost> StartAsync(
        int replicas = 1, RpcOptions? options = null, RoutingOptions? routing = null)
    {
        var host = new ServiceHost();
        for (int self = 0; self < replicas; self++)
        {
            await host.AddReplicaAsync(
                self, replicas, options
                    ?? new RpcOptions { AllowFaultInjection = true }, routing ?? new RoutingOptions());
        }

        await ConnectionTests.Eventually(() => host.Leader >= 0);
        return host;
    }

    /// <summary>A client as Apache generates it.</summary>
    public TransactionalKV.Client Client(int replica = 0, bool isFramed = false)
    {
        var socket = new TcpClient("127.0.0.1", _servers[replica].Port) { NoDelay = true };
        _disposables.Add(socket);
        TTransport transport = new TSocketTransport(socket, new TConfiguration());
        transport = isFramed ? new TFramedTransport(transport) : new TBufferedTransport(transport);
        return new TransactionalKV.Client(new TBinaryProtocol(transport));
    }

    public async ValueTask DisposeAsync()
    {
        _disposables.ForEach(disposable => disposable.Dispose());
        foreach (RpcTestHost server in _servers)
        {
            await server.DisposeAsync();
        }

        foreach (Replica replica in _replicas)
        {
            await replica.DisposeAsync();
        }

        Assert.Empty(_fatal);
    }

    private async Task AddReplicaAsync(int self, int count, RpcOptions options, RoutingOptions routingOptions)
    {
        NodeId[] voters = Enumerable.Range(0, count).Select(id => new NodeId(id)).ToArray();
        var identity = new PeerIdentity("test", self, 1, "", "", new GroupTerms("0", 400, 320))
        {
            Release = PeerRelease.Plain with
            {
                SupportedLevel = FeatureLevels.Newest,
                AllowedLevel = FeatureLevels.Newest,
            },
        };
        var executor = new KvStoreExecutor(new MemoryKvStore());
        _executors.Add(executor);
        _logs.Add(new MemoryPaxosLog());
        _disks.Add(new SimDisk(new DeterministicRandom(1)));
        var runtime = new ObservedRuntime(() => Applying?.Invoke(self));
        var replica = new Replica(
            new PaxosConfig { Self = new NodeId(self), Voters = voters, Seed = (ulong)self + 1 },
            _logs[self],
            executor,
            Network.Join(identity, Enumerable.Range(0, count).Where(id => id != self)),
            Bootstrap.Done,
            new ReplicationOptions
            {
                TrimIntervalMs = 100,
                FeatureLevelDelayMs = options.Access.IsRequired ? 0 : 60_000,
            },
            runtime,
            new SpaceWatch(
                _disks[self],
                "/",
                new SpaceOptions { LowBytes = LowSpaceBytes, MinBytes = MinSpaceBytes, ReserveBytes = 10 }),
            _fatal.Enqueue);
        _replicas.Add(replica);
        await replica.StartAsync(_ => { }, CancellationToken.None);
        var routing = new RoutingManager(
            replica.Driver,
            replica.Forwarder,
            executor.Reader,
            routingOptions,
            runtime.Clock,
            id => $"127.0.0.1:{_servers[id.Value].Port}");
        _servers.Add(await RpcTestHost.StartAsync(
            services => services
                .AddSingleton(routing)
                .AddSingleton(executor.Reader)
                .AddSingleton<Func<ClusterView>>(() => ViewOf(self))
                .AddKvService()
                .AddHostedService(provider => new FirstAdmin(
                    routing,
                    executor.Reader,
                    provider.GetRequiredService<Authenticator>(),
                    provider.GetRequiredService<AuditLog>(),
                    runtime.Clock,
                    TimeProvider.System,
                    provider.GetRequiredService<ILogger<FirstAdmin>>())
                {
                    Environment = name =>
                        options.Access.IsRequired && self == count - 1 && name == FirstAdmin.PasswordVariable
                            ? AdminPassword
                            : null,
                }),
            options));
    }

    private ClusterView ViewOf(int self)
    {
        var nodes = _replicas.Select((replica, id) => new NodeView(
            id, $"127.0.0.1:{_servers[id].Port}", "", "", NodeHealth.Healthy, id == Leader, id == Leader
                ? "leader"
                : "follower",
            1, 2, 3, 5, 7, 11)).ToList();
        return new ClusterView("test", self, Leader, 2, "healthy", nodes);
    }
}
