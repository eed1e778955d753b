namespace KvCloud.Backup.Copying;

/// <summary>Progress of a backup. The copying tasks write it, the display reads it.</summary>
internal sealed class BackupProgress
{
    private long _totalBytes;
    private long _copiedBytes;
    private long _sharedBytes;
    private long _snapshots;
    private long _logBytes;
    private long _segments;
    private long _shippedSlot;
    private long _appliedSlot;

    /// <summary>Receives a sentence for each event.</summary>
    public Action<string> Tell { get; init; } = _ => { };

    /// <summary>Size of the current snapshot, or of the last one.</summary>
    public long TotalBytes => Volatile.Read(ref _totalBytes);

    /// <summary>Bytes of that snapshot that were read from a replica.</summary>
    public long CopiedBytes => Volatile.Read(ref _copiedBytes);

    /// <summary>Bytes of that snapshot that the archive already had.</summary>
    public long SharedBytes => Volatile.Read(ref _sharedBytes);

    /// <summary>Snapshots that this run has completed.</summary>
    public long Snapshots => Volatile.Read(ref _snapshots);

    public long LogBytes => Volatile.Read(ref _logBytes);

    public long Segments => Volatile.Read(ref _segments);

    /// <summary>The last slot in the archive; 0 before the first.</summary>
    public long ShippedSlot => Volatile.Read(ref _shippedSlot);

    /// <summary>The last slot that the replica reported as applied.</summary>
    public long AppliedSlot => Volatile.Read(ref _appliedSlot);

    public long LagSlots => ShippedSlot == 0 ? 0 : Math.Max(0, AppliedSlot - ShippedSlot);

    public void SnapshotBegins(long totalBytes, long sharedBytes)
    {
        Volatile.Write(ref _copiedBytes, 0);
        Volatile.Write(ref _sharedBytes, sharedBytes);
        Volatile.Write(ref _totalBytes, totalBytes);
    }

    public void Copied(long bytes) => Interlocked.Add(ref _copiedBytes, bytes);

    public void SnapshotCompleted() => Interlocked.Increment(ref _snapshots);

    /// <summary>The archive already has the log up to this slot.</summary>
    public void ShippedBefore(long slot) => Volatile.Write(ref _shippedSlot, slot);

    public void Shipped(long slot, long bytes)
    {
        Interlocked.Add(ref _logBytes, bytes);
        Interlocked.Increment(ref _segments);
        Volatile.Write(ref _shippedSlot, slot);
    }

    public void Applied(long slot) => Volatile.Write(ref _appliedSlot, slot);
}
