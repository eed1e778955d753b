namespace KvCloud.Node.Operations;

/// <summary>
/// The limits of keys, values, transactions, ranges and sessions. They are part of what makes apply the same
/// everywhere, so they are constants and not settings: replicas with different limits would drift apart.
/// </summary>
internal static class KvLimits
{
    public const int KeySizeBytes = 16 * 1024;

    public const int ValueSizeBytes = 1024 * 1024;

    /// <summary>Keys and values of all operations, and the keys of all read conflicts.</summary>
    public const int TransactionSizeBytes = 10 * 1024 * 1024;

    public const int TransactionOperations = 10_000;

    /// <summary>Read conflict keys and ranges together.</summary>
    public const int TransactionConflicts = 10_000;

    /// <summary>
    /// Keys that the read conflict ranges of one transaction may cover: checking them holds up every other write.
    /// </summary>
    public const int ConflictRangeKeys = 100_000;

    public const int VersionstampSizeBytes = 10;

    /// <summary>Where a range read asks for no limit of bytes.</summary>
    public const int RangeDefaultSizeBytes = 1024 * 1024;

    /// <summary>The most that a range read may ask for by limit_bytes. A single row is always answered.</summary>
    public const int RangeMaxSizeBytes = 4 * 1024 * 1024;

    /// <summary>
    /// What one answer may hold: less than the 16,384,000 bytes of a frame beyond which Apache's clients, by default,
    /// read no further.
    /// </summary>
    public const int RangeMessageSizeBytes = 15 * 1024 * 1024;

    /// <summary>Keys that one range read may visit: rows, keys that its offsets pass by, and deleted keys.</summary>
    public const int RangeVisitedKeys = 2_000_000;

    /// <summary>What a row counts beside its key and value, so that many tiny rows do not take much memory.</summary>
    public const int RangeRowOverheadBytes = 32;

    /// <summary>begin_offset and end_offset count keys one by one.</summary>
    public const int RangeMaxOffset = 1_000_000;

    /// <summary>The default one included.</summary>
    public const int ColumnFamilies = 256;

    public const int ColumnFamilyNameSizeBytes = 128;

    /// <summary>Answers remembered for one session; a request this far behind the newest is forgotten.</summary>
    public const int SessionAnswers = 1_024;

    /// <summary>Sessions remembered; beyond that the one that was used least recently is forgotten.</summary>
    public const int Sessions = 10_000;
}
