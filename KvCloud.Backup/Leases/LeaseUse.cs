namespace KvCloud.Backup.Leases;

/// <summary>What an archive is used for, which decides who may use it at the same time.</summary>
internal enum LeaseUse
{
    /// <summary>Appends log: only one at a time, so that segments do not overlap. Old ones may be removed.</summary>
    Ship,

    /// <summary>Makes a snapshot, with files that are there already: none may be removed.</summary>
    Snapshot,

    /// <summary>Reads, to restore or to verify: nothing may be removed.</summary>
    Read,

    /// <summary>Removes what is not needed any more.</summary>
    Prune,
}
