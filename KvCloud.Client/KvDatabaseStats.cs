namespace KvCloud.Client;

/// <summary>Figures of one replica's database.</summary>
public sealed record KvDatabaseStats
{
    internal KvDatabaseStats()
    {
    }

    /// <summary>Keys, as estimated by the store.</summary>
    public long TotalKeys { get; internal init; }

    /// <summary>Size on disk.</summary>
    public long TotalSizeBytes { get; internal init; }

    /// <summary>Writes since the start of the node.</summary>
    public long WriteOperations { get; internal init; }

    /// <summary>Reads since the start of the node.</summary>
    public long ReadOperations { get; internal init; }

    /// <summary>Mean time of a call.</summary>
    public double AverageResponseTimeMs { get; internal init; }

    /// <summary>Commits on their way.</summary>
    public long ActiveTransactions { get; internal init; }

    /// <summary>Commits that took effect.</summary>
    public long CommittedTransactions { get; internal init; }

    /// <summary>Commits that were refused, for conflicts or otherwise.</summary>
    public long AbortedTransactions { get; internal init; }

    /// <summary>Of the block cache.</summary>
    public long? CacheHitRatePercent { get; internal init; }

    /// <summary>What the store has still to compact.</summary>
    public long? CompactionPendingBytes { get; internal init; }

    /// <summary>The oldest version a snapshot read may ask for.</summary>
    public long? OldestReadableVersion { get; internal init; }

    /// <summary>The newest commit version this replica can read.</summary>
    public long? AppliedVersion { get; internal init; }

    /// <summary>The store's own figures by name; empty unless they were asked for.</summary>
    public IReadOnlyDictionary<string, long> Details { get; internal init; } = new Dictionary<string, long>();
}
