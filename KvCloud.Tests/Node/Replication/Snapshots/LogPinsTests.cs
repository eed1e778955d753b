using KvCloud.Consensus;
using KvCloud.Node.Replication.Snapshots;

namespace KvCloud.Tests.Node.Replication.Snapshots;

public sealed class LogPinsTests
{
    private const int KeepMs = 1000;

    private static readonly NodeId One = new(1);
    private static readonly NodeId Two = new(2);

    private readonly ManualClock _clock = new();
    private readonly LogPins _pins;

    public LogPinsTests() => _pins = new LogPins(_clock, KeepMs);

    [Fact]
    public void PinnedSlot_snapshot_that_is_served_pins_what_follows_it()
    {
        Assert.Null(_pins.PinnedSlot);
        _pins.SetSnapshot(new Slot(10));
        Assert.Equal(new Slot(10), _pins.PinnedSlot);
        _pins.SetSnapshot(null);
        Assert.Null(_pins.PinnedSlot);
    }

    [Fact]
    public void NoteCatchUp_replica_that_was_helped_holds_what_it_fetches_next_until_it_asks_no_more()
    {
        _pins.SetSnapshot(new Slot(10));
        _pins.TryNoteServed(LogReader.OfReplica(One), new Slot(10));
        _pins.SetSnapshot(null);
        Assert.Equal(new Slot(10), _pins.PinnedSlot);

        Pass(900);
        CatchUp(One, 31);
        Assert.Equal(new Slot(30), _pins.PinnedSlot);
        Pass(900);
        CatchUp(One, 51);
        Assert.Equal(new Slot(50), _pins.PinnedSlot);
        Pass(1_001);
        Assert.Null(_pins.PinnedSlot);
    }

    [Fact]
    public void NoteCatchUp_replica_that_nobody_helped_holds_nothing()
    {
        CatchUp(Two, 5);

        Assert.Null(_pins.PinnedSlot);
    }

    [Fact]
    public void NoteCatchUp_replica_that_never_catches_up_is_given_up()
    {
        _pins.TryNoteServed(LogReader.OfReplica(One), new Slot(10));
        for (int i = 0; i < 20; i++)
        {
            Pass(600);
            CatchUp(One, 12 + i);
        }

        Assert.Null(_pins.PinnedSlot);
    }

    private void CatchUp(NodeId from, long slot) =>
        _pins.NoteCatchUp(new CatchUpOrder(from, new Slot(slot), new Slot(1_000)));

    private void Pass(int milliseconds) => _clock.NowUs += milliseconds * 1_000;
}
