using KvCloud.Consensus;

namespace KvCloud.Node.Replication;

/// <summary>
/// How fresh this replica's reads are: as fresh as the latest moment for which it knows the newest chosen slot and has
/// applied it. Owned by the consensus worker; any thread may read. Times are <see cref="IReplicaClock.SinceBootMs"/>.
/// </summary>
internal sealed class FreshnessTracker
{
    private long _freshAsOfMs;
    private long _awaitedMs;
    private Slot _awaitedSlot;

    /// <summary>The latest moment as of which everything chosen is known and applied here; 0 for never.</summary>
    public long FreshAsOfMs => Volatile.Read(ref _freshAsOfMs);

    /// <summary>
    /// <see cref="IReplicaClock.NowMs"/> when a leader was last heard, or this replica led; 0 for never.
    /// </summary>
    public long LeaderHeardMs { get; private set; }

    /// <summary>A message of the leader arrived. Its age is unknown, so it says nothing about freshness.</summary>
    public void LeaderHeard(long nowMs) => LeaderHeardMs = nowMs;

    /// <summary>
    /// At this moment nothing beyond the slot was chosen. Only one such moment is tracked at a time, since a later one
    /// would be reached only later.
    /// </summary>
    public void Confirmed(long atMs, Slot chosen)
    {
        if (_awaitedMs == 0)
        {
            _awaitedMs = atMs;
            _awaitedSlot = chosen;
        }
    }

    /// <summary>Everything up to the slot is applied.</summary>
    public void Applied(Slot slot)
    {
        if (_awaitedMs > 0 && slot >= _awaitedSlot)
        {
            Volatile.Write(ref _freshAsOfMs, Math.Max(_freshAsOfMs, _awaitedMs));
            _awaitedMs = 0;
        }
    }
}
