using KvCloud.Consensus;

namespace KvCloud.Node.Replication;

/// <summary>
/// Measures how quickly a replica that is behind applies what is chosen. Only a replica that has been behind for a
/// whole window tells a pace: one that keeps up applies as fast as slots are chosen, which says nothing of how fast it
/// could. Owned by the consensus worker.
/// </summary>
/// <param name="windowMs">The time over which the pace is measured.</param>
/// <param name="farSlots">How many slots behind is far.</param>
internal sealed class ApplyPace(long windowMs, long farSlots)
{
    private Slot _awaited;
    private long _notedMs;
    private long _behindSinceMs;
    private Mark _from;
    private Mark _next;
    private Slot _applied;
    private double _slotsPerMs;
    private bool _isFar;

    private readonly record struct Mark(long AtMs, Slot Applied);

    /// <summary>Whether this replica is known to be behind, and so what its pace is.</summary>
    public bool IsBehind { get; private set; }

    /// <summary>Whether it is known to be behind, and by more than a short stall makes it.</summary>
    public bool IsFarBehind => IsBehind && _isFar;

    /// <summary>The last slot that will be applied after this time, at the measured pace.</summary>
    public Slot ReachIn(long ms) => new(_applied.Value + (long)(_slotsPerMs * Math.Clamp(ms, 0, int.MaxValue)));

    /// <param name="nowMs"><see cref="IReplicaClock.NowMs"/>; to be called several times in a window.</param>
    /// <param name="chosen">Everything up to this slot is known to be chosen.</param>
    /// <param name="applied">Everything up to this slot is applied here.</param>
    public void Note(long nowMs, Slot chosen, Slot applied)
    {
        // A process that was held up itself has measured nothing.
        bool isLate = nowMs - _notedMs > windowMs / 2;
        _notedMs = nowMs;
        bool hasCaughtUp = applied >= _awaited && (!IsBehind || chosen <= ReachIn(windowMs));
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

        IsBehind = nowMs - _behindSinceMs >= windowMs;
        _isFar = chosen.Value - applied.Value >= farSlots;
        _applied = applied;
        _slotsPerMs = IsBehind ? (applied.Value - _from.Applied.Value) / (double)(nowMs - _from.AtMs) : 0;
    }
}
