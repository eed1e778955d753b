namespace KvCloud.Node.Operations;

/// <summary>
/// The limits of keys, values, transactions, ranges and sessions. They are constants rather than settings because apply
/// depends on them: replicas with different limits would diverge.
/// </summary>
internal static class KvLimits
{
    public const int KeySizeBytes = 16 * 1024;

    public const int ValueSizeBytes = 1024 * 1024;

    /// <summary>Total size of the keys and values of all operations and the keys of all read conflicts.</summary>
    public const int TransactionSizeBytes = 10 * 1024 * 1024;

    public const int TransactionOperations = 10_000;

    /// <summary>Total number of read conflict keys and ranges.</summary>
    public const int TransactionConflicts = 10_000;

    /// <summary>
    /// Keys that the read conflict ranges of one transaction may cover; checking them blocks every other write.
    /// </summary>
    public const int ConflictRangeKeys = 100_000;

    public const int VersionstampSizeBytes = 10;

    /// <summary>Used if a range read sets no limit_bytes.</summary>
    public const int RangeDefaultSizeBytes = 1024 * 1024;

    /// <summary>The largest limit_bytes of a range read. An answer always holds at least one row.</summary>
    public const int RangeMaxSizeBytes = 4 * 1024 * 1024;

    /// <summary>
    /// The largest answer: below 16,384,000 bytes, the largest frame that Apache's clients accept by default.
    /// </summary>
    public const int RangeMessageSizeBytes = 15 * 1024 * 1024;

    /// <summary>Keys that one range read may visit: rows, keys skipped by its offsets, and deleted keys.</summary>
    public const int RangeVisitedKeys = 2_000_000;

    /// <summary>Counted per row in addition to key and value, so that many tiny rows cannot take much memory.</summary>
    public const int RangeRowOverheadBytes = 32;

    /// <summary>Limit of begin_offset and end_offset, which are resolved by stepping over keys one by one.</summary>
    public const int RangeMaxOffset = 1_000_000;

    /// <summary>Including the default column family.</summary>
    public const int ColumnFamilies = 256;

    public const int ColumnFamilyNameSizeBytes = 128;

    /// <summary>Answers remembered per session; older ones are forgotten.</summary>
    public const int SessionAnswers = 1_024;

    /// <summary>Sessions remembered; beyond that the least recently used session is forgotten.</summary>
    public const int Sessions = 10_000;
}
