namespace KvCloud.Node.Replication.Scrubbing;

/// <summary>How fast, and how often, a replica reads again what it has on disk.</summary>
internal sealed record ScrubOptions
{
    /// <summary>0 for no scrub at all.</summary>
    public long MaxBytesPerSecond { get; init; } = 4 * 1024 * 1024;

    /// <summary>From the beginning of one round to that of the next; 0 for no scrub at all.</summary>
    public long IntervalMs { get; init; } = 24 * 3_600_000L;

    /// <summary>From the end of one comparison of stored rows to the next.</summary>
    public long CompareEveryMs { get; init; } = 600_000;

    /// <summary>After an error of the system, such as one for want of file handles.</summary>
    public int RetryMs { get; init; } = 60_000;

    /// <summary>Read at a time.</summary>
    public int PieceBytes { get; init; } = 64 * 1024;

    public bool IsOn => MaxBytesPerSecond > 0 && IntervalMs > 0;
}
