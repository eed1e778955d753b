namespace KvCloud.Node.Storage;

/// <summary>What a store knows of itself.</summary>
/// <param name="SizeBytes">On disk, plus what waits in memory to be written there.</param>
/// <param name="CacheHitPercent">Of block reads since the start; null where there is no cache or nothing was
/// read.</param>
/// <param name="CompactionPendingBytes">Estimate of what compaction still has to rewrite; null where there is
/// none.</param>
/// <param name="Details">By name, ordered by it.</param>
internal sealed record StoreFigures(
    long SizeBytes,
    long? CacheHitPercent,
    long? CompactionPendingBytes,
    IReadOnlyList<KeyValuePair<string, long>> Details);
