using KvCloud.Node.Configuration;
using KvCloud.Node.Telemetry;

namespace KvCloud.Node.Rpc;

/// <summary>Maps the settings to the options of the RPC server.</summary>
internal static class RpcOptionsMapping
{
    public static RpcOptions ToRpcOptions(this NodeOptions options) => new()
    {
        Limits = new RpcLimits
        {
            MaxConnections = options.Limits.MaxConnections,
            MaxConnectionsPerAddress = options.Limits.MaxConnectionsPerAddress,
            MaxInFlightBytesPerConnection = options.Limits.MaxInFlightBytesPerConnection,
            MaxInFlightCallsPerCaller = options.Limits.MaxInFlightCallsPerCaller,
            MaxInFlightBytesPerCaller = options.Limits.MaxInFlightBytesPerCaller,
            MaxCallsPerSecond = options.Limits.MaxCallsPerSecond,
            MaxBytesPerSecond = options.Limits.MaxBytesPerSecond,
            MaxSchedulingDelayUs = options.Limits.MaxSchedulingDelayUs,
            FirstMessageTimeoutMs = options.Limits.FirstMessageTimeoutMs,
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
        Access = options.ToAccessOptions(),
        AdminToken = options.Security.AuthToken,
        MaxRootTracesPerSecond = options.Tracing.MaxRootTracesPerSecond,
        SlowCallMs = options.Logging.SlowCallMs,
        ServerVersion = NodeVersion.Text,
    };
}
