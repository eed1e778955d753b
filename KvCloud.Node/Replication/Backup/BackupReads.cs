using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.State;

namespace KvCloud.Node.Replication.Backup;

/// <summary>
/// What a backup reads of this replica: its snapshot, and the log that follows it. Any thread; it may wait for a disk,
/// so not one that answers writes.
/// </summary>
/// <param name="wakeSnapshots">Has the worker of the snapshots run.</param>
internal sealed class BackupReads(
    NodeId self,
    string clusterId,
    KvStoreExecutor executor,
    IPaxosLog log,
    SnapshotServer snapshots,
    Action wakeSnapshots)
{
    /// <summary>More of the log is not read at a time, unless one slot alone is larger.</summary>
    public const int MaxLogBytes = 4 * 1024 * 1024;

    /// <summary>More of a snapshot is not read at a time.</summary>
    public const int MaxPieceBytes = 1024 * 1024;

    public NodeId Self => self;

    public string ClusterId => clusterId;

    /// <summary>
    /// Whether so many bytes may be read now: backups and replicas that fetch a snapshot share one limit.
    /// </summary>
    /// <remarks>Of the log only what was read is charged, afterwards, and paid before the next.</remarks>
    public bool TryTake(int bytes) => snapshots.Rate.TryTake(bytes);

    /// <summary>The snapshot that is served; where there is none above the slot, one is made.</summary>
    /// <param name="error">Why none could be made the last time.</param>
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

    /// <summary>A piece of a file of the snapshot, shorter than asked for only at the file's end.</summary>
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

    /// <summary>Whether this slot is chosen and applied here, or below the log.</summary>
    public bool HasAnswer(Slot from) => from <= Last || from < log.FirstSlot;

    /// <summary>Chosen and applied slots from the given one on.</summary>
    public LogRead ReadLog(long readerId, Slot from, int maxBytes)
    {
        // What is applied is looked at first: all that is read then has no higher version.
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
    /// A slot that the log has not recorded as chosen may hold a value that lost, and the data may be ahead of that.
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
