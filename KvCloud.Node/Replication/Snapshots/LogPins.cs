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
    private readonly Dictionary<LogReader, Pin> _pins = [];
    private Slot? _snapshot;

    /// <summary>The log above this slot must stay; null if nobody pins it.</summary>
    public Slot? PinnedSlot
    {
        get
        {
            lock (_gate)
            {
                Slot? pinned = _snapshot;
                foreach (Pin pin in _pins.Values)
                {
                    if (IsActive(pin) && (pinned is not Slot least || pin.Has < least))
                    {
                        pinned = pin.Has;
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
            return TryNote(reader, new Pin(slot, nowMs, nowMs));
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
            bool isNew = hasAll || !_pins.TryGetValue(reader, out Pin pin) || !IsActive(pin);
            return TryNote(reader, new Pin(has, nowMs, isNew ? nowMs : _pins[reader].ServedAtMs));
        }
    }

    /// <summary>A replica catches up from the log.</summary>
    public void NoteCatchUp(CatchUpOrder order)
    {
        lock (_gate)
        {
            var reader = LogReader.OfReplica(order.To);
            if (_pins.TryGetValue(reader, out Pin pin) && IsActive(pin)
                && order.FromSlot.Previous >= pin.Has)
            {
                _pins[reader] = pin with { Has = order.FromSlot.Previous, AskedAtMs = clock.NowMs };
            }
        }
    }

    private bool TryNote(LogReader reader, Pin pin)
    {
        if (reader.IsBackup && !_pins.ContainsKey(reader))
        {
            foreach (LogReader gone in _pins.Keys.Where(known => !IsActive(_pins[known])).ToList())
            {
                _pins.Remove(gone);
            }

            if (_pins.Keys.Count(known => known.IsBackup) >= MaxBackups)
            {
                return false;
            }
        }

        _pins[reader] = pin;
        return true;
    }

    private bool IsActive(in Pin pin)
    {
        long nowMs = clock.NowMs;
        return nowMs - pin.AskedAtMs <= keepMs && nowMs - pin.ServedAtMs <= MaxKeeps * (long)keepMs;
    }

    private readonly record struct Pin(Slot Has, long AskedAtMs, long ServedAtMs);
}
