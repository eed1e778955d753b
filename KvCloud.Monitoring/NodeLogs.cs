namespace KvCloud.Monitoring;

/// <summary>A node's answer at /logs.</summary>
public sealed record NodeLogs
{
    public required int NodeId { get; init; }

    /// <summary>What to ask for next.</summary>
    public required long Next { get; init; }

    /// <summary>How many more there were, which the node no longer has.</summary>
    public long Dropped { get; init; }

    public required IReadOnlyList<NodeLogLine> Lines { get; init; }
}

/// <summary>A line of a node's log.</summary>
public sealed record NodeLogLine
{
    public required long Sequence { get; init; }

    public required DateTimeOffset Time { get; init; }

    /// <summary>trace, debug, info, warn, error or critical.</summary>
    public required string Level { get; init; }

    public required string Category { get; init; }

    public int EventId { get; init; }

    public required string Message { get; init; }

    public string? Exception { get; init; }
}
