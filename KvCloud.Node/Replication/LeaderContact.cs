using KvCloud.Consensus;

namespace KvCloud.Node.Replication;

/// <summary>
/// How fresh this replica is: its reads are as fresh as the last moment of which it knows the newest slot chosen and has
/// applied it. Owned by who takes the turn; any thread may read. Times are Environment.TickCount64.
/// </summary>
internal sealed class LeaderContact
{
    private long _inTouchTickMs;
    private long _awaitedTickMs;
    private Slot _awaitedSlot;

    /// <summary>The latest moment of which everything chosen is known and applied here; 0 for never.</summary>
    public long InTouchTickMs => Volatile.Read(ref _inTouchTickMs);

    /// <summary>When a leader was last heard, or was this replica; 0 for never.</summary>
    public long HeardTickMs { get; private set; }

    /// <summary>Heard of the leader; how old what it says is, is not known.</summary>
    public void Heard(long tickMs) => HeardTickMs = tickMs;

    /// <summary>
    /// At this moment nothing beyond the slot was chosen. One such moment is waited for at a time: a later one would only be
    /// reached later.
    /// </summary>
    public void Confirmed(long tickMs, Slot chosen)
    {
        if (_awaitedTickMs == 0)
        {
            _awaitedTickMs = tickMs;
            _awaitedSlot = chosen;
        }
    }

    /// <summary>All up to the slot is applied.</summary>
    public void Applied(Slot slot)
    {
        if (_awaitedTickMs > 0 && slot >= _awaitedSlot)
        {
            Volatile.Write(ref _inTouchTickMs, Math.Max(_inTouchTickMs, _awaitedTickMs));
            _awaitedTickMs = 0;
        }
    }
}
