namespace KvCloud.Node.State;

/// <summary>What this replica's store holds and does.</summary>
/// <param name="TotalKeys">Keys that have a value, of all column families: exact up to <see cref="KeyCount.ExactUpTo"/>
/// in each, else an estimate, the same on every replica.</param>
/// <param name="SizeBytes">On disk, plus what waits in memory to be written there; history and sessions
/// included.</param>
/// <param name="CommittedTransactions">Applied by this replica since it started.</param>
/// <param name="RefusedTransactions">Refused by this replica since it started, for a conflict or a version too
/// old.</param>
/// <param name="CacheHitPercent">Of block reads; null where nothing was read.</param>
/// <param name="CompactionPendingBytes">An estimate by the store.</param>
/// <param name="Details">The store's own figures by name, ordered by it.</param>
internal sealed record StoreStatistics(
    long TotalKeys,
    long SizeBytes,
    long CommittedTransactions,
    long RefusedTransactions,
    long? CacheHitPercent,
    long? CompactionPendingBytes,
    IReadOnlyList<KeyValuePair<string, long>> Details);
