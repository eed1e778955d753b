namespace KvCloud.Node.Replication.Snapshots;

/// <summary>How this replica serves snapshots, and how it fetches one.</summary>
internal sealed record SnapshotOptions
{
    /// <summary>Asked for and sent at a time: little enough that a heartbeat behind it does not wait long.</summary>
    public int ChunkBytes { get; init; } = 128 * 1024;

    /// <summary>Chunks that are asked for and have not come.</summary>
    public int ChunksInFlight { get; init; } = 4;

    /// <summary>
    /// What this replica sends at most, and asks for at most: consensus needs the same network and disks.
    /// </summary>
    public long MaxBytesPerSecond { get; init; } = 64 * 1024 * 1024;

    /// <summary>What a snapshot must leave free on the disk that it comes to.</summary>
    public long ReserveBytes { get; init; } = 256 * 1024 * 1024;

    /// <summary>A chunk that has not come after so long is asked for again.</summary>
    public int ResendMs { get; init; } = 1000;

    /// <summary>A source that says nothing for so long is given up.</summary>
    public int SourceTimeoutMs { get; init; } = 15_000;

    /// <summary>How long after a failure of this replica's own disk another attempt is made.</summary>
    public int RetryMs { get; init; } = 5000;

    /// <summary>
    /// How long a snapshot that nobody asks for is kept, and with it the log that follows it; and what was fetched of
    /// one that is not needed any more.
    /// </summary>
    public int KeepMs { get; init; } = 60_000;

    /// <summary>Bytes hashed in one run of a worker, between which it answers who asks.</summary>
    public int HashRunBytes { get; init; } = 32 * 1024 * 1024;
}
