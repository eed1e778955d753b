namespace KvCloud.Node.Replication.Scrubbing;

/// <summary>How fast and how often a replica scrubs its log and data.</summary>
internal sealed record ScrubOptions
{
    /// <summary>Rate limit; 0 switches the scrub off.</summary>
    public long MaxBytesPerSecond { get; init; } = 4 * 1024 * 1024;

    /// <summary>Time from the beginning of one round to that of the next; 0 switches the scrub off.</summary>
    public long IntervalMs { get; init; } = 24 * 3_600_000L;

    /// <summary>Pause between two hashes of stored rows.</summary>
    public long CompareEveryMs { get; init; } = 600_000;

    /// <summary>Pause after an error of the system, such as a lack of file handles.</summary>
    public int RetryMs { get; init; } = 60_000;

    /// <summary>Bytes read at a time.</summary>
    public int PieceBytes { get; init; } = 64 * 1024;

    public bool IsOn => MaxBytesPerSecond > 0 && IntervalMs > 0;
}
