namespace KvCloud.Monitoring;

/// <summary>What one node answered at one moment, or why it did not.</summary>
public sealed record NodeSample
{
    public required DateTimeOffset At { get; init; }

    /// <summary>Monotonic milliseconds at which the node answered; rates are taken over these.</summary>
    public required long AtMs { get; init; }

    /// <summary>Null when the node did not answer.</summary>
    public NodeStatus? Status { get; init; }

    public NodeMetrics Metrics { get; init; } = NodeMetrics.None;

    public double? RoundTripMs { get; init; }

    /// <summary>Why there is no status; null when there is one.</summary>
    public string? Error { get; init; }

    /// <summary>Whether it does not know who asks, or by what was shown.</summary>
    public bool IsUnauthenticated { get; init; }

    /// <summary>Whether it knows who asks, who may not read this.</summary>
    public bool IsForbidden { get; init; }

    public bool IsUp => Status is not null;
}
