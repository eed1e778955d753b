namespace KvCloud.Monitoring;

/// <summary>Something that happened, as one node saw it.</summary>
public sealed record NodeEvent
{
    public required long Sequence { get; init; }

    /// <summary>By the clock of the node that tells it.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>One of the types that docs/observability.md lists; a newer node may have others.</summary>
    public required string Type { get; init; }

    /// <summary>info, warning or error.</summary>
    public required string Severity { get; init; }

    public required string Message { get; init; }

    /// <summary>Whom it is about; null where that is the whole group, or the node itself.</summary>
    public int? NodeId { get; init; }

    /// <summary>The round of the leader's ballot.</summary>
    public long? Term { get; init; }

    public long? Slot { get; init; }
}
