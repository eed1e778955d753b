using KvCloud.Consensus;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>
/// What of the log is kept for those that are helped by a snapshot: all that follows the snapshot, as long as it is
/// served, and then what each of them has still to fetch from the log. Without that, one that needs longer for it than
/// the log lasts would need a snapshot again and again. Any thread.
/// </summary>
internal sealed class LogPins(IReplicaClock clock, int keepMs)
{
    /// <summary>
    /// Who has not caught up after so many times of <see cref="SnapshotOptions.KeepMs"/> is slower than what is
    /// written, and the log does not grow for it for ever.
    /// </summary>
    private const int MaxKeeps = 10;

    /// <summary>For more backups at a time the log is not kept.</summary>
    public const int MaxBackups = 16;

    private readonly Lock _gate = new();
    private readonly Dictionary<LogReader, Helped> _helped = [];
    private Slot? _snapshot;

    /// <summary>The log above this slot is needed; null if nobody is helped.</summary>
    public Slot? PinnedSlot
    {
        get
        {
            lock (_gate)
            {
                Slot? pinned = _snapshot;
                foreach (Helped helped in _helped.Values)
                {
                    if (IsAwaited(helped) && (pinned is not Slot least || helped.Has < least))
                    {
                        pinned = helped.Has;
                    }
                }

                return pinned;
            }
        }
    }

    /// <summary>The snapshot that is served holds all up to here; null if there is none any more.</summary>
    public void SetSnapshot(Slot? slot)
    {
        lock (_gate)
        {
            _snapshot = slot;
        }
    }

    /// <summary>A piece of the snapshot of this slot is read. False if there are too many backups.</summary>
    public bool TryNoteServed(LogReader reader, Slot slot)
    {
        lock (_gate)
        {
            long nowMs = clock.NowMs;
            return TryNote(reader, new Helped(slot, nowMs, nowMs));
        }
    }

    /// <summary>
    /// A backup, which has all up to this slot, asks for what follows in the log. False if there are too many.
    /// </summary>
    /// <param name="hasAll">There is nothing yet that it does not have: it is not too slow.</param>
    public bool TryNoteLogRead(LogReader reader, Slot has, bool hasAll)
    {
        lock (_gate)
        {
            long nowMs = clock.NowMs;
            bool isNew = hasAll || !_helped.TryGetValue(reader, out Helped helped) || !IsAwaited(helped);
            return TryNote(reader, new Helped(has, nowMs, isNew ? nowMs : _helped[reader].ServedAtMs));
        }
    }

    /// <summary>A replica asks for what follows in the log.</summary>
    public void NoteCatchUp(CatchUpOrder order)
    {
        lock (_gate)
        {
            var reader = LogReader.OfReplica(order.To);
            if (_helped.TryGetValue(reader, out Helped helped) && IsAwaited(helped)
                && order.FromSlot.Previous >= helped.Has)
            {
                _helped[reader] = helped with { Has = order.FromSlot.Previous, AskedAtMs = clock.NowMs };
            }
        }
    }

    private bool TryNote(LogReader reader, Helped helped)
    {
        if (reader.IsBackup && !_helped.ContainsKey(reader))
        {
            foreach (LogReader gone in _helped.Keys.Where(known => !IsAwaited(_helped[known])).ToList())
            {
                _helped.Remove(gone);
            }

            if (_helped.Keys.Count(known => known.IsBackup) >= MaxBackups)
            {
                return false;
            }
        }

        _helped[reader] = helped;
        return true;
    }

    private bool IsAwaited(in Helped helped)
    {
        long nowMs = clock.NowMs;
        return nowMs - helped.AskedAtMs <= keepMs && nowMs - helped.ServedAtMs <= MaxKeeps * (long)keepMs;
    }

    private readonly record struct Helped(Slot Has, long AskedAtMs, long ServedAtMs);
}
