using KvCloud.Consensus;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>
/// What of the log is kept for replicas that are helped by a snapshot: all that follows the snapshot, as long as it is
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

    private readonly Lock _gate = new();
    private readonly SortedDictionary<int, Helped> _helped = [];
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

    /// <summary>A piece of the snapshot of this slot is sent to the replica.</summary>
    public void NoteServed(NodeId to, Slot slot)
    {
        lock (_gate)
        {
            long nowMs = clock.NowMs;
            _helped[to.Value] = new Helped(slot, nowMs, nowMs);
        }
    }

    /// <summary>A replica asks for what follows in the log.</summary>
    public void NoteCatchUp(CatchUpOrder order)
    {
        lock (_gate)
        {
            if (_helped.TryGetValue(order.To.Value, out Helped helped) && IsAwaited(helped)
                && order.FromSlot.Previous >= helped.Has)
            {
                _helped[order.To.Value] = helped with { Has = order.FromSlot.Previous, AskedAtMs = clock.NowMs };
            }
        }
    }

    private bool IsAwaited(in Helped helped)
    {
        long nowMs = clock.NowMs;
        return nowMs - helped.AskedAtMs <= keepMs && nowMs - helped.ServedAtMs <= MaxKeeps * (long)keepMs;
    }

    private readonly record struct Helped(Slot Has, long AskedAtMs, long ServedAtMs);
}
