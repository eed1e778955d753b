namespace KvCloud.Backup.Leases;

/// <summary>A use of the archive. It decides which other uses are allowed at the same time.</summary>
internal enum LeaseUse
{
    /// <summary>Appends log. One at a time, so that segments do not overlap; a prune may run beside it.</summary>
    Ship,

    /// <summary>Writes a snapshot that shares files with others: no prune may run.</summary>
    Snapshot,

    /// <summary>Reads, to restore or to verify: no prune may run.</summary>
    Read,

    /// <summary>Removes snapshots, log and files that the policy does not keep.</summary>
    Prune,
}
