using KvCloud.Consensus;

namespace KvCloud.Node.Replication;

/// <summary>
/// Measures how quickly a replica that is behind applies what is chosen. Only a replica that has been behind for a
/// whole window tells a pace: one that keeps up applies as fast as slots are chosen, which says nothing of how fast it
/// could. Owned by the consensus worker.
/// </summary>
/// <param name="windowMs">The time over which the pace is measured, and for which <see cref="Reach"/> is told.</param>
internal sealed class ApplyPace(long windowMs)
{
    private Slot _awaited;
    private long _notedMs;
    private long _behindSinceMs;
    private Mark _from;
    private Mark _next;

    private readonly record struct Mark(long AtMs, Slot Applied);

    /// <summary>
    /// The last slot that will be applied within a window at the measured pace; null while this replica is not known to
    /// be behind.
    /// </summary>
    public Slot? Reach { get; private set; }

    /// <param name="nowMs"><see cref="IReplicaClock.NowMs"/>; to be called several times in a window.</param>
    /// <param name="chosen">Everything up to this slot is known to be chosen.</param>
    /// <param name="applied">Everything up to this slot is applied here.</param>
    public void Note(long nowMs, Slot chosen, Slot applied)
    {
        // A process that was held up itself has measured nothing.
        bool isLate = nowMs - _notedMs > windowMs / 2;
        _notedMs = nowMs;
        bool hasCaughtUp = applied >= _awaited && (Reach is null || chosen <= Reach);
        if (isLate || hasCaughtUp)
        {
            _behindSinceMs = nowMs;
            _from = _next = new Mark(nowMs, applied);
        }
        else if (nowMs - _next.AtMs >= windowMs)
        {
            _from = _next;
            _next = new Mark(nowMs, applied);
        }

        if (isLate || applied >= _awaited)
        {
            _awaited = chosen;
        }

        Reach = nowMs - _behindSinceMs < windowMs ? null : ReachFrom(nowMs, applied);
    }

    private Slot ReachFrom(long nowMs, Slot applied)
    {
        long done = applied.Value - _from.Applied.Value;
        return new Slot(applied.Value + (long)((double)done * windowMs / (nowMs - _from.AtMs)));
    }
}
