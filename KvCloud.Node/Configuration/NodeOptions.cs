using KvCloud.Node.Routing;

namespace KvCloud.Node.Configuration;

/// <summary>
/// Everything that can be set, section by section. The records are the only list of settings: names, defaults, bounds
/// and the reference page are read from them (see <see cref="SettingsCatalog"/>). Immutable.
/// </summary>
internal sealed record NodeOptions
{
    [About("What this process is: alone, or one replica of a group.")]
    public DeploymentOptions Deployment { get; init; } = new();

    [About("Multi-Paxos among the replicas.")]
    public ConsensusOptions Consensus { get; init; } = new();

    [About("What a read may see.")]
    public ReadsOptions Reads { get; init; } = new();

    [About("How the replicas watch each other.")]
    public ClusterOptions Cluster { get; init; } = new();

    [About("Where data lies.")]
    public DatabaseOptions Database { get; init; } = new();

    [About("Where this node listens. What is not set follows from the endpoints of [deployment] and [consensus].")]
    public ListenerOptions Listen { get; init; } = new();

    [About("How long older versions of a value stay readable. "
        + "The leader's settings count: it logs them with what it proposes.")]
    public MvccOptions Mvcc { get; init; } = new();

    [About("Bounds of everything that could grow. What is over a bound is answered by an error that names it.")]
    public LimitsOptions Limits { get; init; } = new();

    [About("Who may ask, and what.")]
    public SecurityOptions Security { get; init; } = new();

    [About("RocksDB of the data store.")]
    public RocksdbOptions Rocksdb { get; init; } = new();

    [About("RocksDB's block cache.")]
    public CacheOptions Cache { get; init; } = new();

    [About("RocksDB's compression by level: none, snappy, zlib, lz4, lz4hc or zstd.")]
    public CompressionOptions Compression { get; init; } = new();

    [About("RocksDB's compaction.")]
    public CompactionOptions Compaction { get; init; } = new();

    [About("RocksDB's bloom filters, which spare a lookup the files that cannot hold the key.")]
    public BloomFilterOptions BloomFilter { get; init; } = new();

    [About("RocksDB's memory over all column families.")]
    public MemoryOptions Memory { get; init; } = new();

    [About("What is written down.")]
    public LoggingOptions Logging { get; init; } = new();

    [About("Traces, which go where OTEL_EXPORTER_OTLP_ENDPOINT says. Without that variable there are none.")]
    public TracingOptions Tracing { get; init; } = new();

    [About("RocksDB's own statistics.")]
    public PerformanceOptions Performance { get; init; } = new();

    [About("How much runs side by side.")]
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

    /// <summary>A follower passes the write to the leader and gives back its answer.</summary>
    Forward = 1,
}

internal sealed record DeploymentOptions
{
    [About("standalone: a group of one. replicated: one of replica_endpoints.")]
    public DeploymentMode Mode { get; init; } = DeploymentMode.Standalone;

    [About("Which of replica_endpoints this node is, counted from 0.")]
    [Between(0, 1023)]
    public int InstanceId { get; init; }

    [About("This node is none of those that the group began with: it has no vote before it was added (kv member add) "
        + "and promoted. replica_endpoints then names it too, at its place, and members by which to find the group.")]
    public bool Join { get; init; }

    [About("Where clients reach each replica (Thrift), in the same order on every node: 1, 3, 5 or 7 of them.")]
    [Between(0, 32)]
    public IReadOnlyList<string> ReplicaEndpoints { get; init; } = [];

    [About("What a follower does with a write: redirect, it answers NOT_LEADER and names the leader; "
        + "forward, it passes the write on and gives back the leader's answer.")]
    public WriteRouting WriteRouting { get; init; } = WriteRouting.Redirect;
}

internal sealed record ConsensusOptions
{
    [About("The algorithm by which replicas agree.")]
    [OneOf("paxos")]
    public string Algorithm { get; init; } = "paxos";

    [About("A follower that hears nothing of the leader for a time drawn from [T, 1.5 T) seeks votes. "
        + "Shorter fails over sooner, longer bears slower disks and networks. The same on all replicas.")]
    [Between(50, 60_000)]
    public int ElectionTimeoutMs { get; init; } = 400;

    [About("How often the leader is heard. At most a third of election_timeout_ms.")]
    [Between(10, 20_000)]
    public int HeartbeatIntervalMs { get; init; } = 50;

    [About("Commands that may share one slot.")]
    [Between(1, 100_000)]
    public int MaxBatchSize { get; init; } = 1024;

    [About("Bytes of commands that may share one slot. A single larger command has a slot of its own.")]
    [Between(1024, 32 * 1024 * 1024)]
    public int MaxBatchBytes { get; init; } = 1024 * 1024;

    [About("Slots that may be in flight, proposed and not yet chosen.")]
    [Between(1, 100_000)]
    public int MaxOutstandingProposals { get; init; } = 256;

    [About("Where replicas reach each other, in the order of replica_endpoints: host:port, or a service name such as "
        + "_peer.node-1 that service discovery resolves. Empty: the host of each replica endpoint, its port + 100.")]
    [Between(0, 32)]
    public IReadOnlyList<string> Endpoints { get; init; } = [];

    [About("Whether the leader answers reads alone while its lease holds. Without, each such read waits for a round of "
        + "heartbeats.")]
    public bool LeaseEnabled { get; init; } = true;

    [About("How much faster or slower than true time a replica's clock may run; the lease is shortened by it.")]
    [Between(1, 50)]
    public double MaxClockDriftPercent { get; init; } = 10;
}

internal sealed record ReadsOptions
{
    [About("local (this replica's store, however old within max_staleness_ms), leader or read_index (linearizable). "
        + "A call may ask for another.")]
    public ReadConsistency ConsistencyLevel { get; init; } = ReadConsistency.Local;

    [About("false: no read may be stale; a call that asks for local is served as read_index.")]
    public bool AllowStaleReads { get; init; } = true;

    [About("A replica that has been out of touch with the leader for longer refuses local reads; 0 for never.")]
    [Between(0, 86_400_000)]
    public int MaxStalenessMs { get; init; } = 5000;
}

internal sealed record ClusterOptions
{
    [About("Name of the cluster. Replicas and data directories of another cluster are refused.")]
    public string Id { get; init; } = "kvcloud";

    [About("How often replicas tell each other how they are and compare their state hashes.")]
    [Between(10, 600_000)]
    public int HealthCheckIntervalMs { get; init; } = 1000;

    [About("A replica that has said nothing for this long is unreachable. At least twice health_check_interval_ms.")]
    [Between(20, 3_600_000)]
    public int NodeTimeoutMs { get; init; } = 3000;

    [About("A replica this many slots behind what is chosen is degraded, and not ready.")]
    [Between(1, 1_000_000_000)]
    public long MaxLagSlots { get; init; } = 1000;
}

internal sealed record DatabaseOptions
{
    [About("Replica i keeps everything below <base_path>/node_<i>.")]
    public string BasePath { get; init; } = "./data";
}

internal sealed record ListenerOptions
{
    [About("An IP address, localhost, or * for all. Default: localhost where this node's own endpoint is, else *.")]
    public string? Address { get; init; }

    [About("For clients (Thrift). Default: the port of this node's replica endpoint, 9090 + i without one.")]
    [Between(1, 65535)]
    public int? ThriftPort { get; init; }

    [About("For other replicas. Default: the port of this node's consensus endpoint, else the Thrift port + 100.")]
    [Between(1, 65535)]
    public int? PeerPort { get; init; }

    [About("Health, metrics and status. Default: the Thrift port + 200.")]
    [Between(1, 65535)]
    public int? HttpPort { get; init; }
}

internal sealed record MvccOptions
{
    [About("A version stays readable for at least this long after it was replaced or deleted, of which one slot may "
        + "count an eighth at most ...")]
    [Between(0, 31_536_000)]
    public int RetentionSeconds { get; init; } = 60;

    [About("... unless more than this many newer versions were committed meanwhile.")]
    [Between(0, 1_000_000_000_000)]
    public long RetentionVersions { get; init; } = 1_000_000;
}
