namespace KvCloud.Node.Replication.Backup;

/// <summary>What became of a call that reads for a backup.</summary>
internal enum BackupOutcome
{
    /// <summary>It has what it asked for.</summary>
    Ready = 0,

    /// <summary>A snapshot is being made, or no slot is applied that was not read yet.</summary>
    NotYet = 1,

    /// <summary>There is no such snapshot any more, or it has no such file.</summary>
    Gone = 2,

    /// <summary>The log begins later by now.</summary>
    Trimmed = 3,

    /// <summary>The log is kept for as many backups as it may be.</summary>
    TooMany = 4,

    /// <summary>The disk does not let it be read, or a snapshot be made, at the moment.</summary>
    Unreadable = 5,
}
