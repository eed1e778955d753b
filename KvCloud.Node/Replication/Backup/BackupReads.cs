using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.State;

namespace KvCloud.Node.Replication.Backup;

/// <summary>
/// Serves backups: the replica's snapshot and the log after it. Any thread that may wait for a disk, so none that
/// answers writes.
/// </summary>
/// <param name="wakeSnapshots">Wakes the worker of the snapshot server.</param>
internal sealed class BackupReads(
    NodeId self,
    string clusterId,
    KvStoreExecutor executor,
    IPaxosLog log,
    SnapshotServer snapshots,
    Action wakeSnapshots)
{
    /// <summary>Limit of the log read by one call, unless a single slot is larger.</summary>
    public const int MaxLogBytes = 4 * 1024 * 1024;

    /// <summary>Limit of a snapshot's bytes read by one call.</summary>
    public const int MaxPieceBytes = 1024 * 1024;

    public NodeId Self => self;

    public string ClusterId => clusterId;

    /// <summary>
    /// Whether so many bytes may be read now. Backups and replicas that fetch a snapshot share one rate limit.
    /// </summary>
    /// <remarks>Reads of the log are charged afterwards, by what was read.</remarks>
    public bool TryTake(int bytes) => snapshots.Rate.TryTake(bytes);

    /// <summary>Opens the served snapshot. If it is not above the slot, another one is ordered.</summary>
    /// <param name="error">Why the last attempt to create one failed.</param>
    public BackupOutcome OpenSnapshot(long readerId, Slot above, out ServedSnapshot? snapshot, out string? error)
    {
        error = null;
        snapshot = snapshots.Served;
        if (snapshot is not null && snapshot.Manifest.State.Slot > above)
        {
            return snapshots.TryNoteServed(LogReader.OfBackup(readerId), snapshot)
                ? BackupOutcome.Ready
                : BackupOutcome.TooMany;
        }

        snapshot = null;
        error = snapshots.TakeFailure();
        if (error is not null)
        {
            return BackupOutcome.Unreadable;
        }

        snapshots.Want(above);
        wakeSnapshots();
        return BackupOutcome.NotYet;
    }

    /// <summary>Reads a piece of a file; it is shorter than requested only at the end of the file.</summary>
    public BackupOutcome ReadSnapshot(
        long readerId, long snapshotId, int file, long offset, int count, out byte[] content)
    {
        content = [];
        ServedSnapshot? served = snapshots.Served;
        if (served is null || served.Id != snapshotId || file < 0 || file >= served.Manifest.Files.Count)
        {
            return BackupOutcome.Gone;
        }

        if (!snapshots.TryNoteServed(LogReader.OfBackup(readerId), served))
        {
            return BackupOutcome.TooMany;
        }

        byte[]? read = snapshots.ReadPiece(served, file, offset, Math.Min(count, MaxPieceBytes));
        content = read ?? [];
        return read is null ? BackupOutcome.Gone : BackupOutcome.Ready;
    }

    /// <summary>Whether a read from this slot is answered at once: it is applied here, or trimmed.</summary>
    public bool HasAnswer(Slot from) => from <= Last || from < log.FirstSlot;

    /// <summary>Reads chosen and applied slots from the given one on.</summary>
    public LogRead ReadLog(long readerId, Slot from, int maxBytes)
    {
        // The applied state is read first, so that its version bounds those of all slots read.
        AppliedState applied = executor.Applied;
        var last = Slot.Min(applied.Slot, log.ChosenSlot);
        Slot first = log.FirstSlot;
        if (from < first)
        {
            return new LogRead(BackupOutcome.Trimmed, applied, first);
        }

        if (!snapshots.Pins.TryNoteLogRead(LogReader.OfBackup(readerId), from.Previous, hasAll: from > last))
        {
            return new LogRead(BackupOutcome.TooMany, applied, first);
        }

        if (from > last)
        {
            return new LogRead(BackupOutcome.NotYet, applied, first);
        }

        try
        {
            List<LogEntry> entries = ReadFrom(from, last, Math.Clamp(maxBytes, 1, MaxLogBytes));
            snapshots.Rate.Charge(entries.Sum(entry => entry.Value.Payload.Length));
            return entries.Count > 0
                ? new LogRead(
                    BackupOutcome.Ready, applied, first, new LogBlock(clusterId, applied.Version, entries))
                : new LogRead(BackupOutcome.Trimmed, applied, log.FirstSlot);
        }
        catch (LogUnreadableException exception)
        {
            return new LogRead(BackupOutcome.Unreadable, applied, first, Error: exception.Message);
        }
    }

    /// <summary>
    /// The last slot that can be read. A slot that the log has not recorded as chosen may hold a value that was not
    /// chosen, even if it is applied: the data store may be ahead of the log.
    /// </summary>
    private Slot Last => Slot.Min(executor.AppliedSlot, log.ChosenSlot);

    private List<LogEntry> ReadFrom(Slot from, Slot last, int maxBytes)
    {
        var entries = new List<LogEntry>();
        foreach (LogEntry entry in log.Read(from, last, maxBytes))
        {
            if (entry.Slot != new Slot(from.Value + entries.Count))
            {
                break;
            }

            entries.Add(entry);
        }

        return entries;
    }
}
