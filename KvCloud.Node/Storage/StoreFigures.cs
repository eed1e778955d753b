namespace KvCloud.Node.Storage;

/// <summary>A store's own statistics.</summary>
/// <param name="SizeBytes">On disk, plus what is still in memory.</param>
/// <param name="CacheHitPercent">Share of block reads since the start; null without a cache, or if nothing was
/// read.</param>
/// <param name="CompactionPendingBytes">Estimate of what compaction still has to rewrite; null if there is
/// none.</param>
/// <param name="Details">By name, ordered by name.</param>
internal sealed record StoreFigures(
    long SizeBytes,
    long? CacheHitPercent,
    long? CompactionPendingBytes,
    IReadOnlyList<KeyValuePair<string, long>> Details);
