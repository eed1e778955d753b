namespace KvCloud.Node.Replication.Backup;

/// <summary>The outcome of a backup's call.</summary>
internal enum BackupOutcome
{
    /// <summary>The requested data are returned.</summary>
    Ready = 0,

    /// <summary>A snapshot is being created, or the log has no further applied slot yet.</summary>
    NotYet = 1,

    /// <summary>The snapshot is gone, or has no such file.</summary>
    Gone = 2,

    /// <summary>The log was trimmed beyond the requested slot.</summary>
    Trimmed = 3,

    /// <summary>The limit of backups that pin the log is reached.</summary>
    TooMany = 4,

    /// <summary>The disk failed a read, or the creation of a snapshot; a retry may succeed.</summary>
    Unreadable = 5,
}
