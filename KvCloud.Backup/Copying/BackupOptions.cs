using KvCloud.Backup.Leases;

namespace KvCloud.Backup.Copying;

/// <summary>Settings of one run of a backup.</summary>
internal sealed record BackupOptions
{
    /// <summary>Whether the backup ships the log until it is stopped.</summary>
    public bool IsContinuous { get; init; }

    /// <summary>
    /// Interval between the snapshots of a continuous backup. Shorter intervals leave a restore less log to apply.
    /// </summary>
    public TimeSpan SnapshotEvery { get; init; } = TimeSpan.FromHours(1);

    /// <summary>
    /// How often a continuous backup reads the log once it has caught up; about the newest writes that a disaster
    /// loses.
    /// </summary>
    public TimeSpan ShipEvery { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Limit of snapshot and log copying together; null for no limit but the replica's own.</summary>
    public long? MaxBytesPerSecond { get; init; }

    /// <summary>
    /// Failures in a row that end the backup: after about two minutes, or ten minutes for a continuous one, so that its
    /// supervisor notices and starts it again, with the members of that time.
    /// </summary>
    public int Attempts => IsContinuous ? 45 : 12;

    public LeaseOptions Leases { get; init; } = new();
}
