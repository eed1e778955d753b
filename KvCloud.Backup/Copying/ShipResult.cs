namespace KvCloud.Backup.Copying;

/// <summary>The result of one step of log shipping.</summary>
internal enum ShipResult
{
    /// <summary>There is more log to read now.</summary>
    More,

    /// <summary>Everything that the replica's log has was read.</summary>
    CaughtUp,

    /// <summary>A backup that is not continuous has read everything that it needs.</summary>
    Ended,

    /// <summary>No replica has the next slot any more: later points need another snapshot.</summary>
    Gap,
}
