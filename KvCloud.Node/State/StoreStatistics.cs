namespace KvCloud.Node.State;

/// <summary>The content and activity of this replica's store.</summary>
/// <param name="TotalKeys">Keys that have a value, in all column families: exact up to <see cref="KeyCount.ExactUpTo"/>
/// in each, otherwise an estimate, the same on every replica.</param>
/// <param name="SizeBytes">On disk, plus what is still in memory; history and sessions included.</param>
/// <param name="CommittedTransactions">Applied by this replica since it started.</param>
/// <param name="RefusedTransactions">Refused by this replica since it started, because of a conflict or a read version
/// that was too old.</param>
/// <param name="CacheHitPercent">Share of block reads; null if nothing was read.</param>
/// <param name="CompactionPendingBytes">As estimated by the store.</param>
/// <param name="Details">The store's own statistics, ordered by name.</param>
internal sealed record StoreStatistics(
    long TotalKeys,
    long SizeBytes,
    long CommittedTransactions,
    long RefusedTransactions,
    long? CacheHitPercent,
    long? CompactionPendingBytes,
    IReadOnlyList<KeyValuePair<string, long>> Details);
