namespace KvCloud.Node.Configuration;

/// <summary>What is kept for replicas that are behind, and how those are helped that it does not suffice for.</summary>
internal sealed record SnapshotSettings
{
    [About("Bytes of log that are kept for a replica that is behind. Beyond it the oldest go, and a replica that "
        + "needs them gets a copy of the data instead. What this replica itself needs is kept in any case.")]
    [Between(0, 1_000_000_000_000_000)]
    public long LogRetentionBytes { get; init; } = 1024 * 1024 * 1024;

    [About("A replica sends copies of its data no faster than this, and fetches one no faster.")]
    [Between(64 * 1024, 1_000_000_000_000)]
    public long MaxBytesPerSecond { get; init; } = 64 * 1024 * 1024;

    [About("A copy is fetched only if so much stays free on the disk beside it.")]
    [Between(0, 1_000_000_000_000_000)]
    public long ReserveBytes { get; init; } = 256 * 1024 * 1024;
}
