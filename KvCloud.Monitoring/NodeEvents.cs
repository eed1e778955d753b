namespace KvCloud.Monitoring;

/// <summary>A node's answer at /events.</summary>
public sealed record NodeEvents
{
    public required int NodeId { get; init; }

    /// <summary>What to ask for next.</summary>
    public required long Next { get; init; }

    /// <summary>How many more there were, which the node no longer has.</summary>
    public long Dropped { get; init; }

    public required IReadOnlyList<NodeEvent> Events { get; init; }
}
