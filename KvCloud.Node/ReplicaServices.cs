using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using KvCloud.Consensus;
using KvCloud.Node.Cluster;
using KvCloud.Node.Configuration;
using KvCloud.Node.Diagnostics;
using KvCloud.Node.Files;
using KvCloud.Node.History;
using KvCloud.Node.Replacement;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.Routing;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Node.Tls;
using KvCloud.Node.Transport;

namespace KvCloud.Node;

/// <summary>Registers and connects the parts of a replica.</summary>
internal static class ReplicaServices
{
    public static IServiceCollection AddReplica(
        this IServiceCollection services, NodeOptions options, NodeTopology topology)
    {
        services.AddSingleton(_ => OpenStorage(options, topology));
        services.AddSingleton<HostRestart>();
        services.AddSingleton(NewBootstrap);
        services.AddSingleton(NewTransport);
        services.AddSingleton<ReplicationMetrics>();
        services.AddSingleton<IReplicaRuntime>(provider => new ThreadRuntime(
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ReplicationMetrics>()));
        services.AddSingleton(NewReplica);
        services.AddSingleton(provider => provider.GetRequiredService<Replica>().Driver);
        services.AddSingleton(provider => provider.GetRequiredService<ReplicaStorage>().Executor.Reader);
        services.AddSingleton(provider => provider.GetRequiredService<Replica>().Backups!);
        services.AddSingleton(NewRouting);
        services.AddSingleton(provider => new LogInspector(
            provider.GetRequiredService<ReplicaStorage>().Log,
            () => provider.GetRequiredService<ConsensusDriver>().Status));
        services.AddSingleton<Func<ClusterView>>(provider =>
        {
            ClusterManager cluster = provider.GetRequiredService<ClusterManager>();
            return cluster.Now;
        });
        services.AddHostedService<ReplicaHost>();
        return services;
    }

    /// <summary>The cluster manager's inputs from this replica.</summary>
    public static ClusterFeeds Feeds(IServiceProvider provider)
    {
        ConsensusDriver driver = provider.GetRequiredService<ConsensusDriver>();
        IConsensusTransport transport = provider.GetRequiredService<IConsensusTransport>();
        Bootstrap bootstrap = provider.GetRequiredService<Bootstrap>();
        Replica replica = provider.GetRequiredService<Replica>();
        return new ClusterFeeds(
            () => driver.Status, () => transport.Links, transport.Report, transport.IdentityOf, () => bootstrap.NotMet)
        {
            Disk = () => driver.Disk.Figures,
            Release = provider.GetRequiredService<NodeOptions>().ToPeerRelease(),
            DataTrouble = () => driver.DataTrouble,
            Scrub = () => replica.Scrubber?.Progress,
            Snapshot = () => replica.SnapshotReceiver?.Progress,
            Replacement = () => provider.GetRequiredService<LostDisk>().Description
                ?? provider.GetRequiredService<PlaceRequest>().Description,
        };
    }

    /// <exception cref="DataDirectoryException">The directory belongs to another node or is in use.</exception>
    public static ReplicaStorage OpenStorage(NodeOptions options, NodeTopology topology)
    {
        string voters = GroupTerms.Describe(topology.InitialVoters);
        var storeOptions = options.ToStoreOptions();
        return ReplicaStorage.Open(
            SystemFiles.Instance,
            DataDirectory.Open(
                SystemFiles.Instance, topology.DataDirectory, topology.ClusterId, topology.SelfId, voters),
            path => RocksKvStore.Open(path, storeOptions),
            SegmentedLogOptions.Default,
            space: options.ToSpaceOptions(),
            supportedLevel: options.SupportedLevel());
    }

    private static Bootstrap NewBootstrap(IServiceProvider provider)
    {
        DataDirectory directory = provider.GetRequiredService<ReplicaStorage>().Directory;
        ILogger<Replica> logger = provider.GetRequiredService<ILogger<Replica>>();
        var bootstrap = new Bootstrap(
            GroupTerms.Parse(directory.Identity.Voters).Where(id => id != directory.Identity.NodeId),
            directory.Identity.IsFormed,
            () =>
            {
                directory.NoteFormed();
                logger.GroupFormed();
            });
        if (!bootstrap.IsFormed)
        {
            logger.WaitsForFirstContact(Bootstrap.Describe(bootstrap.NotMet));
        }

        return bootstrap;
    }

    private static int[] PeersOf(NodeTopology topology) =>
        [.. topology.Replicas.Select(replica => replica.NodeId).Where(id => id != topology.SelfId)];

    private static IConsensusTransport NewTransport(IServiceProvider provider)
    {
        NodeTopology topology = provider.GetRequiredService<NodeTopology>();
        ReplicaStorage storage = provider.GetRequiredService<ReplicaStorage>();
        NodeOptions options = provider.GetRequiredService<NodeOptions>();
        var self = new PeerIdentity(
            topology.ClusterId,
            topology.SelfId,
            storage.Directory.Identity.Incarnation,
            topology.Self.ClientEndpoint,
            topology.Self.HttpEndpoint,
            ConfigOf(options, topology, storage, seed: 0).ToGroupTerms())
        {
            Release = options.ToPeerRelease(),
        };
        int[] peers = PeersOf(topology);
        if (peers.Length == 0)
        {
            return InMemoryTransport.Alone(self);
        }

        IPeerDirectory directory = provider.GetRequiredService<IPeerDirectory>();
        TcpTransport? transport = null;
        transport = new TcpTransport(
            self,
            peers,
            new IPEndPoint(BindAddress(topology.ListenAddress), topology.PeerPort),
            async (id, token) =>
            {
                // The record of the members knows of those that joined, and of those that moved.
                string recorded = MemberData.Of(transport!.Gate.Members, id).PeerEndpoint;
                string known = recorded.Length > 0 ? recorded : transport.Introduced.GetValueOrDefault(id, "");
                return EndPointOf(known.Length > 0
                    ? known
                    : await directory.ResolveAsync(id, token).ConfigureAwait(false));
            },
            storage.Incarnations,
            provider.GetRequiredService<Bootstrap>(),
            options.ToTransportOptions() with
            {
                Time = provider.GetRequiredService<TimeProvider>(),
            },
            provider.GetRequiredService<ILogger<TcpTransport>>(),
            provider.GetService<PeerTls>());
        transport.Gate.OnRefused = provider.Refused;
        return transport;
    }

    private static string Removed(int nodeId) => string.Create(
        CultureInfo.InvariantCulture,
        $"node {nodeId} was removed from its group: its data directory is of no use any more, its id never returns");

    /// <summary>Who votes before the first change of members is what the data directory was made for.</summary>
    private static PaxosConfig ConfigOf(
        NodeOptions options, NodeTopology topology, ReplicaStorage storage, ulong seed) =>
        options.ToPaxosConfig(topology, seed) with
        {
            Voters = [.. GroupTerms.Parse(storage.Directory.Identity.Voters).Select(id => new NodeId(id))],
        };

    private static Replica NewReplica(IServiceProvider provider)
    {
        NodeOptions options = provider.GetRequiredService<NodeOptions>();
        NodeTopology topology = provider.GetRequiredService<NodeTopology>();
        ReplicaStorage storage = provider.GetRequiredService<ReplicaStorage>();
        FatalStop fatal = provider.GetRequiredService<FatalStop>();
        ulong seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
        RecoveryProgress progress = provider.GetRequiredService<RecoveryProgress>();
        progress.Logger = provider.GetRequiredService<ILogger<Replica>>();
        var replica = new Replica(
            ConfigOf(options, topology, storage, seed),
            storage.Log,
            storage.Executor,
            provider.GetRequiredService<IConsensusTransport>(),
            provider.GetRequiredService<Bootstrap>(),
            options.ToReplicationOptions(),
            provider.GetRequiredService<IReplicaRuntime>(),
            storage.Space,
            exception => fatal.Stop(ExitCodes.Fatal, "replication failed", exception),
            NewSnapshotPlace(provider, storage, options),
            progress.Replayed)
        {
            OnRemoved = () => fatal.Stop(ExitCodes.Removed, Removed(topology.SelfId)),
        };
        if (storage.Executor.Members is null && !storage.Executor.Health.IsDamaged)
        {
            storage.Directory.RequireVoters(GroupTerms.Describe(topology.InitialVoters));
        }

        return replica;
    }

    private static SnapshotPlace NewSnapshotPlace(
        IServiceProvider provider, ReplicaStorage storage, NodeOptions options)
    {
        ILogger<Replica> logger = provider.GetRequiredService<ILogger<Replica>>();
        HostRestart restart = provider.GetRequiredService<HostRestart>();
        EventHistory events = provider.GetRequiredService<EventHistory>();
        var storeOptions = options.ToStoreOptions();
        if (storage.HasInstalledSnapshot)
        {
            logger.SnapshotInstalled(storage.Executor.AppliedSlot.Value);
            events.Add(new NodeEvent(
                EventTypes.Snapshot, EventSeverities.Info, "the data of a fetched snapshot is in place")
            {
                Slot = storage.Executor.AppliedSlot.Value,
            });
            provider.GetRequiredService<ReplicationMetrics>().SnapshotInstalled();
        }

        return new SnapshotPlace(
            SystemFiles.Instance,
            new SnapshotPaths(storage.Directory.Path),
            storage.Directory.Identity.ClusterId,
            path => RocksKvStore.OpenReadOnly(path, storeOptions),
            restart.Request,
            what =>
            {
                logger.Snapshot(what);
                events.Add(new NodeEvent(EventTypes.Snapshot, EventSeverities.Info, what));
            })
        {
            Mark = storage.Mark,
            Alarm = what =>
            {
                logger.DataDamaged(what);
                events.Add(new NodeEvent(EventTypes.DataDamaged, EventSeverities.Error, what));
            },
        };
    }

    private static RoutingManager NewRouting(IServiceProvider provider)
    {
        ClusterManager cluster = provider.GetRequiredService<ClusterManager>();
        return new RoutingManager(
            provider.GetRequiredService<ConsensusDriver>(),
            provider.GetRequiredService<Replica>().Forwarder,
            provider.GetRequiredService<KvReader>(),
            provider.GetRequiredService<NodeOptions>().ToRoutingOptions(),
            provider.GetRequiredService<IReplicaRuntime>().Clock,
            cluster.ClientEndpointOf);
    }

    private static IPAddress BindAddress(string address) => address switch
    {
        "*" => Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any,
        "localhost" => IPAddress.Loopback,
        _ => IPAddress.Parse(address),
    };

    private static EndPoint EndPointOf(string hostPort)
    {
        HostPort parsed = HostPort.TryParse(hostPort, out HostPort? endpoint)
            ? endpoint
            : throw new PeerUnresolvedException($"\"{hostPort}\" is not host:port");
        return IPAddress.TryParse(parsed.Host, out IPAddress? address)
            ? new IPEndPoint(address, parsed.Port)
            : new DnsEndPoint(parsed.Host, parsed.Port);
    }
}
