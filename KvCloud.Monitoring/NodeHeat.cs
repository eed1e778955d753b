namespace KvCloud.Monitoring;

/// <summary>A node's answer at /heat.</summary>
public sealed record NodeHeat
{
    public required int NodeId { get; init; }

    /// <summary>One call in so many was counted.</summary>
    public required int Sampling { get; init; }

    public required int WindowSeconds { get; init; }

    /// <summary>When each window began, oldest first.</summary>
    public required IReadOnlyList<DateTimeOffset> Windows { get; init; }

    public required IReadOnlyList<NodeHeatRange> Ranges { get; init; }

    /// <summary>The keys that were called most, that one first.</summary>
    public required IReadOnlyList<NodeHeatRange> HotKeys { get; init; }
}

/// <summary>Keys from the first to the last, and how often they were called, by window.</summary>
public sealed record NodeHeatRange
{
    public required string ColumnFamily { get; init; }

    public required byte[] FirstKey { get; init; }

    public required byte[] LastKey { get; init; }

    public required IReadOnlyList<long> Reads { get; init; }

    public required IReadOnlyList<long> Writes { get; init; }
}
