using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Scrubbing;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.Routing;
using KvCloud.Node.Telemetry;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Configuration;

/// <summary>Maps the settings to the options of replication, routing and transport.</summary>
internal static class OptionsMapping
{
    private const long Megabyte = 1024 * 1024;

    public static ReplicationOptions ToReplicationOptions(this NodeOptions options) => new()
    {
        MaxBatchCommands = options.Consensus.MaxBatchSize,
        MaxBatchBytes = options.Consensus.MaxBatchBytes,
        MaxQueuedWrites = options.Limits.MaxQueuedWrites,
        MaxQueuedWriteBytes = options.Limits.MaxQueuedWriteBytes,
        LogRetentionBytes = options.Snapshots.LogRetentionBytes,
        Snapshots = new SnapshotOptions
        {
            MaxBytesPerSecond = options.Snapshots.MaxBytesPerSecond,
            ReserveBytes = options.Snapshots.ReserveBytes,
        },
        Scrub = new ScrubOptions
        {
            MaxBytesPerSecond = options.Scrub.MaxBytesPerSecond,
            IntervalMs = options.Scrub.IntervalHours * 3_600_000L,
        },
        Rebuild = new RebuildOptions { IsAutomatic = options.Scrub.Rebuild == RebuildMode.Automatic },
        Retention = new MvccRetention(options.Mvcc.RetentionSeconds * 1000L, options.Mvcc.RetentionVersions),
        StallLimitMs = options.Database.LogStallMs,
        AllowedLevel = options.AllowedLevel(),
        FeatureLevelDelayMs = options.Deployment.FeatureLevelDelayMs,
    };

    public static AccessOptions ToAccessOptions(this NodeOptions options) => new()
    {
        Authorization = options.Security.Authorization,
        ClusterId = options.Cluster.Id,
        Metrics = options.Security.Metrics,
        ReadIndexTimeout = TimeSpan.FromMilliseconds(options.Limits.DefaultTimeoutMs),
        Jwt = options.Jwt.Issuer is { Length: > 0 } issuer
            ? new JwtOptions
            {
                Issuer = issuer,
                Audience = options.Jwt.Audience ?? "",
                Keys = options.Jwt.Keys ?? "",
                KeysCa = options.Jwt.KeysCa,
                UserClaim = options.Jwt.UserClaim,
                RolesClaim = options.Jwt.RolesClaim,
                Algorithms = options.Jwt.Algorithms,
                ClockSkewSeconds = options.Jwt.ClockSkewSeconds,
            }
            : null,
    };

    public static SpaceOptions ToSpaceOptions(this NodeOptions options) => options.Database.LowSpaceMb == 0
        ? SpaceOptions.Off
        : new SpaceOptions
        {
            LowBytes = options.Database.LowSpaceMb * Megabyte,
            MinBytes = options.Database.MinSpaceMb * Megabyte,
            ReserveBytes = Math.Min(new SpaceOptions().ReserveBytes, options.Database.MinSpaceMb * Megabyte / 5),
        };

    public static RoutingOptions ToRoutingOptions(this NodeOptions options) => new()
    {
        ConsistencyLevel = options.Reads.ConsistencyLevel,
        AllowStaleReads = options.Reads.AllowStaleReads,
        MaxStalenessMs = options.Reads.MaxStalenessMs,
        ForwardWrites = options.Deployment.WriteRouting == WriteRouting.Forward,
    };

    /// <summary>What this replica tells its peers of its program.</summary>
    public static PeerRelease ToPeerRelease(this NodeOptions options) => PeerRelease.Plain with
    {
        Program = NodeVersion.Text,
        MaxWire = (byte)options.Cluster.MaxWireVersion,
        SupportedLevel = options.SupportedLevel(),
        AllowedLevel = options.AllowedLevel(),
    };

    /// <summary>The release that speaks the oldest wire version only knows no feature levels.</summary>
    public static int SupportedLevel(this NodeOptions options) =>
        options.Cluster.MaxWireVersion == ConsensusCodec.OldestVersion ? FeatureLevels.First : FeatureLevels.Newest;

    private static int AllowedLevel(this NodeOptions options) => Math.Min(
        options.SupportedLevel(), options.Deployment.FeatureLevel ?? FeatureLevels.Newest);

    public static TransportOptions ToTransportOptions(this NodeOptions options) => new()
    {
        PeerTimeoutMs = options.Cluster.NodeTimeoutMs,
    };
}
