namespace KvCloud.Backup.Source;

/// <summary>Why a replica did not give what it was asked for.</summary>
internal enum SourceFailure
{
    /// <summary>It does not answer, or not now.</summary>
    Unavailable,

    /// <summary>It does not have that snapshot any more.</summary>
    SnapshotGone,

    /// <summary>Its log begins later by now.</summary>
    LogTrimmed,

    /// <summary>What it gave is not what it said it would be.</summary>
    Damaged,

    /// <summary>It will not, however often it is asked.</summary>
    Refused,
}
