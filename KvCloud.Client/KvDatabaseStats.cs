namespace KvCloud.Client;

/// <summary>Figures of one replica's database.</summary>
/// <param name="TotalKeys">Keys, as estimated by the store.</param>
/// <param name="TotalSizeBytes">Size on disk.</param>
/// <param name="WriteOperations">Writes since the start of the node.</param>
/// <param name="ReadOperations">Reads since the start of the node.</param>
/// <param name="AverageResponseTimeMs">Mean time of a call.</param>
/// <param name="ActiveTransactions">Commits on their way.</param>
/// <param name="CommittedTransactions">Commits that took effect.</param>
/// <param name="AbortedTransactions">Commits that were refused, for conflicts or otherwise.</param>
/// <param name="CacheHitRatePercent">Of the block cache.</param>
/// <param name="CompactionPendingBytes">What the store has still to compact.</param>
/// <param name="OldestReadableVersion">The oldest version a snapshot read may ask for.</param>
/// <param name="AppliedVersion">The newest commit version this replica can read.</param>
/// <param name="Details">The store's own figures by name; empty unless they were asked for.</param>
public sealed record KvDatabaseStats(
    long TotalKeys,
    long TotalSizeBytes,
    long WriteOperations,
    long ReadOperations,
    double AverageResponseTimeMs,
    long ActiveTransactions,
    long CommittedTransactions,
    long AbortedTransactions,
    long? CacheHitRatePercent,
    long? CompactionPendingBytes,
    long? OldestReadableVersion,
    long? AppliedVersion,
    IReadOnlyDictionary<string, long> Details);
