namespace KvCloud.Backup.Source;

/// <summary>A replica, as far as a backup needs it. Any will do: snapshots differ in files, logs in nothing.</summary>
internal interface IReplicaSource
{
    /// <summary>For messages.</summary>
    string Name { get; }

    /// <summary>A snapshot of a later slot than that one; null as long as the replica makes one.</summary>
    /// <exception cref="SourceException">It has none to offer.</exception>
    Task<SnapshotOffer?> TryOpenSnapshotAsync(long? aboveSlot, CancellationToken cancellationToken);

    /// <summary>A piece of a file; shorter than asked for only at its end.</summary>
    /// <exception cref="SourceException">It cannot be read.</exception>
    Task<ReadOnlyMemory<byte>> ReadSnapshotAsync(
        long snapshotId, int file, long offset, int count, CancellationToken cancellationToken);

    /// <summary>The log from a slot on, at most a few megabytes of it.</summary>
    /// <exception cref="SourceException">It cannot be read.</exception>
    Task<LogReading> ReadLogAsync(long fromSlot, CancellationToken cancellationToken);
}
