namespace KvCloud.Node.Replication.Snapshots;

/// <summary>How this replica serves snapshots, and how it fetches one.</summary>
internal sealed record SnapshotOptions
{
    /// <summary>Bytes of one chunk: few enough that a heartbeat behind it does not wait long.</summary>
    public int ChunkBytes { get; init; } = 128 * 1024;

    /// <summary>Chunks in flight.</summary>
    public int ChunksInFlight { get; init; } = 4;

    /// <summary>
    /// Limit of what this replica sends, and of what it requests: consensus needs the same network and disks.
    /// </summary>
    public long MaxBytesPerSecond { get; init; } = 64 * 1024 * 1024;

    /// <summary>Free space that fetching a snapshot must leave on the disk.</summary>
    public long ReserveBytes { get; init; } = 256 * 1024 * 1024;

    /// <summary>A chunk that has not arrived within this time is requested again.</summary>
    public int ResendMs { get; init; } = 1000;

    /// <summary>A source that is silent for this long is given up.</summary>
    public int SourceTimeoutMs { get; init; } = 15_000;

    /// <summary>Pause after an attempt that failed, for lack of disk space or by a malformed snapshot.</summary>
    public int RetryMs { get; init; } = 5000;

    /// <summary>
    /// How long a served snapshot stays after its last read, with the log after it pinned; and how long received files
    /// stay after a snapshot was last needed.
    /// </summary>
    public int KeepMs { get; init; } = 60_000;

    /// <summary>Bytes hashed in one run of the worker, which answers requests between runs.</summary>
    public int HashRunBytes { get; init; } = 32 * 1024 * 1024;
}
