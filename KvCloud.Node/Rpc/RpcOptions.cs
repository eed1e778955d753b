using KvCloud.Node.Access;

namespace KvCloud.Node.Rpc;

/// <summary>How this node serves its clients. Immutable.</summary>
internal sealed record RpcOptions
{
    public RpcLimits Limits { get; init; } = new();

    /// <summary>Whether setFaultInjection is allowed. Never in Production.</summary>
    public bool AllowFaultInjection { get; init; }

    /// <summary>
    /// Traces per second that calls without a trace context may start; see <see cref="CallTracing"/>.
    /// </summary>
    public int MaxRootTracesPerSecond { get; init; } = 10;

    /// <summary>Calls that take longer are kept for /slow; 0 for none.</summary>
    public int SlowCallMs { get; init; } = 100;

    /// <summary>
    /// The auth_token required by getClusterHealth, getDatabaseStats, getNodeInfo and calls that change column
    /// families; null or empty means none is required.
    /// </summary>
    public string? AdminToken { get; init; }

    /// <summary>Whether rights are asked for, and how callers log in.</summary>
    public AccessOptions Access { get; init; } = new();

    /// <summary>Reported as NodeStatus.version of the answering node.</summary>
    public string ServerVersion { get; init; } =
        typeof(RpcOptions).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";
}
