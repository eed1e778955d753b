using KvCloud.Backup.Leases;

namespace KvCloud.Backup.Copying;

/// <summary>How a backup is made.</summary>
internal sealed record BackupOptions
{
    /// <summary>Whether it goes on with the log until it is stopped.</summary>
    public bool IsContinuous { get; init; }

    /// <summary>Of one that goes on: how often a snapshot is made, so that a restore has little log to apply.</summary>
    public TimeSpan SnapshotEvery { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Of one that goes on: how often the log is read, and so how much may be missing at a loss.</summary>
    public TimeSpan ShipEvery { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>What all copying together may read; null: as much as the replica gives.</summary>
    public long? MaxBytesPerSecond { get; init; }

    /// <summary>
    /// So many failures in a row end it: about two minutes, or ten for one that goes on, so that whoever supervises it
    /// hears of it and starts it again, with the members of then.
    /// </summary>
    public int Attempts => IsContinuous ? 45 : 12;

    public LeaseOptions Leases { get; init; } = new();
}
