namespace KvCloud.Backup.Copying;

/// <summary>What a step of the log's shipping came to.</summary>
internal enum ShipResult
{
    /// <summary>There is more to be read now.</summary>
    More,

    /// <summary>All that the replica has applied was read.</summary>
    CaughtUp,

    /// <summary>All that a backup which does not go on has to have was read.</summary>
    Ended,

    /// <summary>No replica has what comes next any more: points behind it need another snapshot.</summary>
    Gap,
}
