namespace KvCloud.Node.Replication.Snapshots;

/// <summary>Whether damaged data are rebuilt without an order, and how often an attempt is made.</summary>
internal sealed record RebuildOptions
{
    public bool IsAutomatic { get; init; } = true;

    /// <summary>Pause between a start, or a failed attempt, and the next attempt.</summary>
    public int PauseMs { get; init; } = 10_000;

    /// <summary>A peer that has not reported for longer does not count.</summary>
    public int HeardWithinMs { get; init; } = 5_000;
}
