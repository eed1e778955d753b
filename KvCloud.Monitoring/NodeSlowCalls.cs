namespace KvCloud.Monitoring;

/// <summary>A node's answer at /slow.</summary>
public sealed record NodeSlowCalls
{
    public required int NodeId { get; init; }

    /// <summary>0 where the node keeps none.</summary>
    public required int ThresholdMs { get; init; }

    public required IReadOnlyList<NodeSlowCall> Calls { get; init; }
}

/// <summary>A call that took long.</summary>
public sealed record NodeSlowCall
{
    public required long Sequence { get; init; }

    /// <summary>When it was answered.</summary>
    public required DateTimeOffset Time { get; init; }

    public required string Method { get; init; }

    public required string Code { get; init; }

    public required double DurationMs { get; init; }

    public string? Remote { get; init; }

    public string? User { get; init; }

    /// <summary>How many keys it named.</summary>
    public int Keys { get; init; }

    public string? ColumnFamily { get; init; }

    /// <summary>The first of them.</summary>
    public byte[]? Key { get; init; }
}
