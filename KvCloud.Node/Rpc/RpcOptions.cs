namespace KvCloud.Node.Rpc;

/// <summary>How this node serves its clients. Immutable.</summary>
internal sealed record RpcOptions
{
    public RpcLimits Limits { get; init; } = new();

    /// <summary>Whether setFaultInjection is carried out. Never in Production.</summary>
    public bool AllowFaultInjection { get; init; }

    /// <summary>Traces a second that calls without a trace context may begin; see <see cref="CallTracing"/>.</summary>
    public int MaxRootTracesPerSecond { get; init; } = 10;

    /// <summary>
    /// What getClusterHealth, getDatabaseStats, getNodeInfo and calls that change column families must bring along as
    /// auth_token; null or empty: nothing.
    /// </summary>
    public string? AdminToken { get; init; }

    /// <summary>Sent in NodeStatus.version of the answering node.</summary>
    public string ServerVersion { get; init; } =
        typeof(RpcOptions).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";
}
