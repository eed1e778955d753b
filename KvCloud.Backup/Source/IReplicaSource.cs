namespace KvCloud.Backup.Source;

/// <summary>
/// A replica as the source of a backup. Any replica will do: their logs are equal, and their snapshots differ only in
/// how the same rows are spread over files.
/// </summary>
internal interface IReplicaSource
{
    /// <summary>For messages.</summary>
    string Name { get; }

    /// <summary>Opens a snapshot of a slot above the given one; null while the replica prepares one.</summary>
    /// <exception cref="SourceException">The replica cannot offer one.</exception>
    Task<SnapshotOffer?> TryOpenSnapshotAsync(long? aboveSlot, CancellationToken cancellationToken);

    /// <summary>Reads a piece of a file; it is shorter than requested only at the end of the file.</summary>
    /// <exception cref="SourceException">The piece cannot be read.</exception>
    Task<ReadOnlyMemory<byte>> ReadSnapshotAsync(
        long snapshotId, int file, long offset, int count, CancellationToken cancellationToken);

    /// <summary>Reads a block of the log that begins at a slot.</summary>
    /// <exception cref="SourceException">The log cannot be read there.</exception>
    Task<LogReading> ReadLogAsync(long fromSlot, CancellationToken cancellationToken);
}
