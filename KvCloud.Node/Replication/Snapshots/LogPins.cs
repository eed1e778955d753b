using KvCloud.Consensus;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>
/// Pins the log for replicas and backups that read a snapshot: everything after the snapshot while it is served, then
/// what each of them still has to fetch from the log. Without pins a reader that needs longer than the log lasts would
/// need one snapshot after the other. Any thread.
/// </summary>
internal sealed class LogPins(IReplicaClock clock, int keepMs)
{
    /// <summary>
    /// A reader that has not caught up after this many times <see cref="SnapshotOptions.KeepMs"/> is slower than the
    /// writes, and loses its pin, so that the log does not grow forever.
    /// </summary>
    private const int MaxKeeps = 10;

    /// <summary>Limit of backups that pin the log at a time.</summary>
    public const int MaxBackups = 16;

    private readonly Lock _gate = new();
    private readonly Dictionary<LogReader, Helped> _helped = [];
    private Slot? _snapshot;

    /// <summary>The log above this slot must stay; null if nobody pins it.</summary>
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

    /// <summary>The slot of the snapshot that is served; null if there is none any more.</summary>
    public void SetSnapshot(Slot? slot)
    {
        lock (_gate)
        {
            _snapshot = slot;
        }
    }

    /// <summary>The reader reads the snapshot of this slot. False if too many backups pin the log.</summary>
    public bool TryNoteServed(LogReader reader, Slot slot)
    {
        lock (_gate)
        {
            long nowMs = clock.NowMs;
            return TryNote(reader, new Helped(slot, nowMs, nowMs));
        }
    }

    /// <summary>
    /// A backup that has everything up to this slot reads the log after it. False if too many backups pin the log.
    /// </summary>
    /// <param name="hasAll">Whether it has caught up: the time that it may take begins anew.</param>
    public bool TryNoteLogRead(LogReader reader, Slot has, bool hasAll)
    {
        lock (_gate)
        {
            long nowMs = clock.NowMs;
            bool isNew = hasAll || !_helped.TryGetValue(reader, out Helped helped) || !IsAwaited(helped);
            return TryNote(reader, new Helped(has, nowMs, isNew ? nowMs : _helped[reader].ServedAtMs));
        }
    }

    /// <summary>A replica catches up from the log.</summary>
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
