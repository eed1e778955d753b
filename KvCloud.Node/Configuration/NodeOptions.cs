using KvCloud.Node.Operations;
using KvCloud.Node.Routing;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Configuration;

/// <summary>
/// All settings, section by section. These records are the only list of settings: names, defaults, bounds and the
/// reference page are derived from them (see <see cref="SettingsCatalog"/>). Immutable.
/// </summary>
internal sealed record NodeOptions
{
    [About("Whether this process runs alone or as one replica of a group.")]
    public DeploymentOptions Deployment { get; init; } = new();

    [About("Multi-Paxos among the replicas.")]
    public ConsensusOptions Consensus { get; init; } = new();

    [About("How fresh reads are.")]
    public ReadsOptions Reads { get; init; } = new();

    [About("How the replicas monitor each other.")]
    public ClusterOptions Cluster { get; init; } = new();

    [About("Where data is stored.")]
    public DatabaseOptions Database { get; init; } = new();

    [About("Where this node listens. What is not set is derived from the endpoints of [deployment] and [consensus].")]
    public ListenerOptions Listen { get; init; } = new();

    [About("How long older versions of a value stay readable. "
        + "The leader's settings apply on every replica: it logs them with each batch.")]
    public MvccOptions Mvcc { get; init; } = new();

    [About("How a replica comes back that was away for longer than the others keep log for it.")]
    public SnapshotSettings Snapshots { get; init; } = new();

    [About("How damage on disk is found before anybody else meets it, and what is done then.")]
    public ScrubSettings Scrub { get; init; } = new();

    [About("Limits of queues, connections and memory. A request beyond a limit gets an error that names it.")]
    public LimitsOptions Limits { get; init; } = new();

    [About("TLS on the ports of this node.")]
    public TlsSettings Tls { get; init; } = new();

    [About("Access to administrative calls.")]
    public SecurityOptions Security { get; init; } = new();

    [About("Tokens (JWT) of an identity provider that users may log in with: OpenID Connect.")]
    public JwtSettings Jwt { get; init; } = new();

    [About("RocksDB of the data store.")]
    public RocksdbOptions Rocksdb { get; init; } = new();

    [About("RocksDB's block cache.")]
    public CacheOptions Cache { get; init; } = new();

    [About("RocksDB's compression by level: none, snappy, zlib, lz4, lz4hc or zstd.")]
    public CompressionOptions Compression { get; init; } = new();

    [About("RocksDB's compaction.")]
    public CompactionOptions Compaction { get; init; } = new();

    [About("RocksDB's bloom filters, which let a lookup skip files that cannot hold the key.")]
    public BloomFilterOptions BloomFilter { get; init; } = new();

    [About("RocksDB's memtable memory across all column families.")]
    public MemoryOptions Memory { get; init; } = new();

    [About("What the node and RocksDB log.")]
    public LoggingOptions Logging { get; init; } = new();

    [About("Traces, exported to OTEL_EXPORTER_OTLP_ENDPOINT. Without that variable there are none.")]
    public TracingOptions Tracing { get; init; } = new();

    [About("RocksDB's own statistics.")]
    public PerformanceOptions Performance { get; init; } = new();

    [About("How much runs concurrently.")]
    public ConcurrencyOptions Concurrency { get; init; } = new();
}

internal enum DeploymentMode
{
    Standalone = 0,
    Replicated = 1,
}

internal enum WriteRouting
{
    /// <summary>A follower answers NOT_LEADER and names the leader.</summary>
    Redirect = 0,

    /// <summary>A follower forwards the write to the leader and returns the leader's answer.</summary>
    Forward = 1,
}

internal sealed record DeploymentOptions
{
    [About("standalone: a group of one. replicated: one of replica_endpoints.")]
    public DeploymentMode Mode { get; init; } = DeploymentMode.Standalone;

    [About("Id of this node: its place in replica_endpoints, from 0, or the number that its entry names.")]
    [Between(0, 8191)]
    public int InstanceId { get; init; }

    [About("This node is none of those that the group began with: it has no vote before it was added (kv member add) "
        + "and promoted. replica_endpoints then names it and members by which to find the group, each with its id: "
        + "[\"2=host2:9090\", \"41=host41:9090\"].")]
    public bool Join { get; init; }

    [About("Client endpoint (Thrift) of each replica, in the same order on every node: 1, 3, 5 or 7 of them.")]
    [Between(0, 32)]
    public IReadOnlyList<string> ReplicaEndpoints { get; init; } = [];

    [About("What a follower does with a write. redirect: it answers NOT_LEADER and names the leader. "
        + "forward: it forwards the write and returns the leader's answer.")]
    public WriteRouting WriteRouting { get; init; } = WriteRouting.Redirect;

    [About("The highest feature level to which this node lets its group rise: set on one node, it keeps the way back "
        + "to the release before open. Default: the newest that this program knows. A level never falls.")]
    [Between(FeatureLevels.First, FeatureLevels.Newest)]
    public int? FeatureLevel { get; init; }

    [About("How long all members must have been connected and able to follow before the feature level rises.")]
    [Between(0, 604_800_000)]
    public int FeatureLevelDelayMs { get; init; } = 60_000;

    [About("Ids that this replica may take by itself, in this order, when its disk is lost: it then joins as a learner "
        + "and asks the group to be put in the place of the lost one. No other replica may ever have them. Empty: "
        + "never by itself (kv member replace).")]
    [Between(0, ReplacementRules.MaxIds)]
    public IReadOnlyList<int> ReplacementIds { get; init; } = [];

    [About("File with the token of a user who may administer the cluster, by which this replica asks for that where "
        + "authorization is required. Not set: security.auth_token, if there is one.")]
    public string? ReplacementTokenFile { get; init; }
}

internal sealed record ConsensusOptions
{
    [About("The consensus algorithm.")]
    [OneOf("paxos")]
    public string Algorithm { get; init; } = "paxos";

    [About("A follower that hears nothing from the leader for a random time in [T, 1.5 T) starts an election. "
        + "Shorter fails over sooner, longer tolerates slower disks and networks. Must be equal on all replicas.")]
    [Between(50, 60_000)]
    public int ElectionTimeoutMs { get; init; } = 400;

    [About("How often the leader sends heartbeats. At most a third of election_timeout_ms.")]
    [Between(10, 20_000)]
    public int HeartbeatIntervalMs { get; init; } = 50;

    [About("Most commands in one slot.")]
    [Between(1, 100_000)]
    public int MaxBatchSize { get; init; } = 1024;

    [About("Most bytes of commands in one slot. A single larger command gets a slot of its own.")]
    [Between(1024, 32 * 1024 * 1024)]
    public int MaxBatchBytes { get; init; } = 1024 * 1024;

    [About("Most slots in flight: proposed and not yet chosen.")]
    [Between(1, 100_000)]
    public int MaxOutstandingProposals { get; init; } = 256;

    [About("Peer endpoint of each replica, in the order of replica_endpoints: host:port, or a service name such as "
        + "_peer.node-1 that service discovery resolves. Empty: the host of each replica endpoint, its port + 100.")]
    [Between(0, 32)]
    public IReadOnlyList<string> Endpoints { get; init; } = [];

    [About("Whether the leader serves reads without a quorum while it holds a lease. If not, each such read waits "
        + "for a round of heartbeats.")]
    public bool LeaseEnabled { get; init; } = true;

    [About("How much faster or slower than real time a replica's clock may run; the lease is shortened accordingly.")]
    [Between(1, 50)]
    public double MaxClockDriftPercent { get; init; } = 10;
}

internal sealed record ReadsOptions
{
    [About("Consistency of a read that does not set it: local reads this replica's store, up to max_staleness_ms old; "
        + "leader and read_index are linearizable.")]
    public ReadConsistency ConsistencyLevel { get; init; } = ReadConsistency.Local;

    [About("Whether local reads are allowed. If not, a local read is served as read_index.")]
    public bool AllowStaleReads { get; init; } = true;

    [About("A replica that lost contact with the leader longer ago than this refuses local reads; 0 means never.")]
    [Between(0, 86_400_000)]
    public int MaxStalenessMs { get; init; } = 5000;
}

internal sealed record ClusterOptions
{
    [About("Name of the cluster. Replicas and data directories of another cluster are refused.")]
    public string Id { get; init; } = "kvcloud";

    [About("How often replicas report their health to each other and compare state hashes.")]
    [Between(10, 600_000)]
    public int HealthCheckIntervalMs { get; init; } = 1000;

    [About("A replica that has not reported for this long is unreachable. At least twice health_check_interval_ms.")]
    [Between(20, 3_600_000)]
    public int NodeTimeoutMs { get; init; } = 3000;

    [About("A replica that lags more than this many chosen slots is degraded and not ready.")]
    [Between(1, 1_000_000_000)]
    public long MaxLagSlots { get; init; } = 1000;

    [About("The newest version of the protocol between replicas that this one speaks. 3 makes it talk as the release "
        + "before does, which also keeps the group's feature level at 1; for tests, and before a downgrade.")]
    [Between(ConsensusCodec.OldestVersion, ConsensusCodec.Version)]
    public int MaxWireVersion { get; init; } = ConsensusCodec.Version;
}

internal sealed record DatabaseOptions
{
    [About("Replica i stores all its data in <base_path>/node_<i>.")]
    public string BasePath { get; init; } = "./data";

    [About("With less free space on the volume of base_path a replica leaves leading to others; if it leads all the "
        + "same, it answers NO_SPACE to writes other than deletes. 0 switches both thresholds off.")]
    [Between(0, 10_000_000)]
    public int LowSpaceMb { get; init; } = 256;

    [About("With less free space a replica accepts nothing more, so that its log and store do not fail. At most "
        + "low_space_mb.")]
    [Between(0, 10_000_000)]
    public int MinSpaceMb { get; init; } = 64;

    [About("A leader whose log write takes longer leaves leading to others until its disk has been quick for five "
        + "times as long; 0 for never.")]
    [Between(0, 600_000)]
    public int LogStallMs { get; init; } = 2000;
}

internal sealed record ListenerOptions
{
    [About("An IP address, localhost, or * for all. Default: localhost if this node's own endpoint is, else *.")]
    public string? Address { get; init; }

    [About("Client port (Thrift). Default: the port of this node's replica endpoint; 9090 + i without one.")]
    [Between(1, 65535)]
    public int? ThriftPort { get; init; }

    [About("Peer port. Default: the port of this node's consensus endpoint, else the Thrift port + 100.")]
    [Between(1, 65535)]
    public int? PeerPort { get; init; }

    [About("HTTP port for health, metrics and status. Default: the Thrift port + 200.")]
    [Between(1, 65535)]
    public int? HttpPort { get; init; }
}

internal sealed record MvccOptions
{
    [About("How long a version stays readable after it was replaced or deleted, unless retention_versions ends that "
        + "earlier. A single slot counts for at most an eighth of this time.")]
    [Between(0, 31_536_000)]
    public int RetentionSeconds { get; init; } = 60;

    [About("Once more than this many newer versions were committed, a replaced version may become unreadable even "
        + "within retention_seconds.")]
    [Between(0, 1_000_000_000_000)]
    public long RetentionVersions { get; init; } = 1_000_000;
}
