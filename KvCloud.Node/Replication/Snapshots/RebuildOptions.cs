namespace KvCloud.Node.Replication.Snapshots;

/// <summary>Whether damaged data are made anew without anybody asking for it, and how often that is tried.</summary>
internal sealed record RebuildOptions
{
    public bool IsAutomatic { get; init; } = true;

    /// <summary>From a start, or from an attempt that failed, to the next attempt.</summary>
    public int PauseMs { get; init; } = 10_000;

    /// <summary>A peer that has not reported for longer does not count as there.</summary>
    public int HeardWithinMs { get; init; } = 5_000;
}
