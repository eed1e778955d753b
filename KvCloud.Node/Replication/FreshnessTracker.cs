using KvCloud.Consensus;

namespace KvCloud.Node.Replication;

/// <summary>
/// How fresh this replica is: its reads are as fresh as the last moment of which it knows the newest slot chosen and
/// has applied it. Owned by the consensus worker; any thread may read. Fresh as of times are <see
/// cref="IReplicaClock.SinceBootMs"/>.
/// </summary>
internal sealed class FreshnessTracker
{
    private long _freshAsOfMs;
    private long _awaitedMs;
    private Slot _awaitedSlot;

    /// <summary>The latest moment of which everything chosen is known and applied here; 0 for never.</summary>
    public long FreshAsOfMs => Volatile.Read(ref _freshAsOfMs);

    /// <summary>
    /// <see cref="IReplicaClock.NowMs"/> when a leader was last heard, or was this replica; 0 for never.
    /// </summary>
    public long LeaderHeardMs { get; private set; }

    /// <summary>Heard of the leader; how old what it says is, is not known.</summary>
    public void LeaderHeard(long nowMs) => LeaderHeardMs = nowMs;

    /// <summary>
    /// At this moment nothing beyond the slot was chosen. One such moment is waited for at a time: a later one would
    /// only be reached later.
    /// </summary>
    public void Confirmed(long atMs, Slot chosen)
    {
        if (_awaitedMs == 0)
        {
            _awaitedMs = atMs;
            _awaitedSlot = chosen;
        }
    }

    /// <summary>All up to the slot is applied.</summary>
    public void Applied(Slot slot)
    {
        if (_awaitedMs > 0 && slot >= _awaitedSlot)
        {
            Volatile.Write(ref _freshAsOfMs, Math.Max(_freshAsOfMs, _awaitedMs));
            _awaitedMs = 0;
        }
    }
}
