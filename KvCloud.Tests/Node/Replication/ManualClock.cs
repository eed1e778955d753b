using KvCloud.Node.Replication;

namespace KvCloud.Tests.Node.Replication;

/// <summary>Clocks that stand still until the test moves them.</summary>
internal sealed class ManualClock : IReplicaClock
{
    public long NowUs { get; set; }

    public long NowMs => NowUs / 1_000;

    public long SinceBootMs => NowMs;

    public long NowTick => NowMs / ReplicaClock.TickMs;

    public long Timestamp => NowUs;

    public long UnixMs => 1_700_000_000_000 + NowMs;

    public long TimestampOf(long tick) => tick * ReplicaClock.TickMs * 1_000;
}
