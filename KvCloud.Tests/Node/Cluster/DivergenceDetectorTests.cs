using KvCloud.Consensus;
using KvCloud.Node.Cluster;

namespace KvCloud.Tests.Node.Cluster;

public sealed class DivergenceDetectorTests
{
    private static readonly NodeId Self = new(0);
    private static readonly NodeId Peer = new(1);

    [Fact]
    public void Add_equal_hashes_are_no_divergence()
    {
        DivergenceDetector detector = new(Self);

        Assert.Empty(detector.Add(Self, new Slot(8), 1));
        Assert.Empty(detector.Add(Peer, new Slot(8), 1));
        Assert.False(detector.Any);
    }

    [Fact]
    public void Add_different_slots_are_not_compared()
    {
        DivergenceDetector detector = new(Self);

        Assert.Empty(detector.Add(Self, new Slot(8), 1));
        Assert.Empty(detector.Add(Peer, new Slot(16), 2));
        Assert.Empty(detector.Add(Peer, Slot.Zero, 3));
        Assert.Empty(detector.Add(Self, Slot.Zero, 4));
        Assert.False(detector.Any);
    }

    [Fact]
    public void Add_the_same_replica_is_told_once()
    {
        DivergenceDetector detector = new(Self);
        detector.Add(Peer, new Slot(8), 2);

        Assert.Equal([new Divergence(Peer, new Slot(8), 1, 2)], detector.Add(Self, new Slot(8), 1));
        Assert.Empty(detector.Add(Self, new Slot(8), 1));
        Assert.Empty(detector.Add(Peer, new Slot(16), 2));
        Assert.Empty(detector.Add(Self, new Slot(16), 1));
        Assert.True(detector.IsDiverged(Peer));
        Assert.False(detector.IsDiverged(new NodeId(2)));
    }

    [Fact]
    public void Add_agreement_below_the_difference_does_not_end_it()
    {
        DivergenceDetector detector = new(Self);
        detector.Add(Self, new Slot(8), 1);
        detector.Add(Self, new Slot(16), 1);
        detector.Add(Peer, new Slot(16), 2);

        detector.Add(Peer, new Slot(8), 1);

        Assert.True(detector.IsDiverged(Peer));
    }

    [Fact]
    public void Add_many_slots_keeps_the_newest()
    {
        DivergenceDetector detector = new(Self);
        for (int slot = 1; slot <= 1000; slot++)
        {
            detector.Add(Self, new Slot(slot), (ulong)slot);
        }

        Assert.Empty(detector.Add(Peer, new Slot(1), 99));
        Assert.Single(detector.Add(Peer, new Slot(1000), 99));
    }
}
