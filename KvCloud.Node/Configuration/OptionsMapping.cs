using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Routing;
using KvCloud.Node.Rpc;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Configuration;

/// <summary>Hands each room of the node what it needs of the settings, in that room's own terms.</summary>
internal static class OptionsMapping
{
    public static ReplicationOptions ToReplicationOptions(this NodeOptions options) => new()
    {
        MaxBatchCommands = options.Consensus.MaxBatchSize,
        MaxBatchBytes = options.Consensus.MaxBatchBytes,
        MaxQueuedWrites = options.Limits.MaxQueuedWrites,
        MaxQueuedWriteBytes = options.Limits.MaxQueuedWriteBytes,
        Retention = new MvccRetention(options.Mvcc.RetentionSeconds * 1000L, options.Mvcc.RetentionVersions),
    };

    public static RoutingOptions ToRoutingOptions(this NodeOptions options) => new()
    {
        ConsistencyLevel = options.Reads.ConsistencyLevel,
        AllowStaleReads = options.Reads.AllowStaleReads,
        MaxStalenessMs = options.Reads.MaxStalenessMs,
        ForwardWrites = options.Deployment.WriteRouting == WriteRouting.Forward,
    };

    public static TransportOptions ToTransportOptions(this NodeOptions options) => new()
    {
        PeerTimeoutMs = options.Cluster.NodeTimeoutMs,
    };

    public static RpcOptions ToRpcOptions(this NodeOptions options) => new()
    {
        Limits = new RpcLimits
        {
            MaxConnections = options.Limits.MaxConnections,
            MaxMessageBytes = options.Limits.MaxMessageBytes,
            MaxInFlightCallsPerConnection = options.Limits.MaxInFlightPerConnection,
            MaxInFlightCallsPerNode = options.Limits.MaxInFlightCalls,
            MaxInFlightBytesPerNode = options.Limits.MaxInFlightBytes,
            ReadBufferBytes = options.Limits.ReadBufferBytes,
            MessageTimeoutMs = options.Limits.MessageTimeoutMs,
            DefaultTimeoutMs = options.Limits.DefaultTimeoutMs,
            MaxTimeoutMs = options.Limits.MaxTimeoutMs,
            MaxRangeBytes = options.Limits.MaxRangeBytes,
            MaxConcurrentScans = options.Limits.MaxConcurrentScans,
            MaxQueuedScans = options.Limits.MaxQueuedScans,
            MaxScanAnswerBytes = options.Limits.MaxScanAnswerBytes,
            DrainTimeoutMs = options.Limits.DrainTimeoutMs,
        },
        AllowFaultInjection = options.Security.AllowFaultInjection ?? false,
        AdminToken = options.Security.AuthToken,
        MaxRootTracesPerSecond = options.Tracing.MaxRootTracesPerSecond,
        ServerVersion = NodeVersion.Text,
    };
}
