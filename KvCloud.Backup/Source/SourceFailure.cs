namespace KvCloud.Backup.Source;

/// <summary>Why a request to a replica failed.</summary>
internal enum SourceFailure
{
    /// <summary>The replica did not answer, or cannot serve the request now.</summary>
    Unavailable,

    /// <summary>The replica no longer has that snapshot.</summary>
    SnapshotGone,

    /// <summary>The replica has trimmed its log beyond that slot.</summary>
    LogTrimmed,

    /// <summary>The answer is malformed, or does not match its hash.</summary>
    Damaged,

    /// <summary>The replica refuses such requests; a retry does not help.</summary>
    Refused,
}
