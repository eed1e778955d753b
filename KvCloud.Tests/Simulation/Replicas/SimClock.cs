using KvCloud.Node.Replication;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// The clocks of one start of a node, at a rate of their own. The clock of deadlines stands still while the machine is
/// suspended, the clock of leases does not; the wall clock is off by any time, and jumps.
/// </summary>
internal sealed class SimClock(SimWorld world, SimNode node, int ratePerMille) : IReplicaClock
{
    private const long TickUs = ReplicaClock.TickMs * 1_000;

    private readonly long _startUs = world.NowUs;

    public long NowTick => ElapsedUs / TickUs;

    /// <summary>Frozen at its beginning, a lease never ends: see <see cref="Sabotage.LeaseNeverEnds"/>.</summary>
    public long Timestamp => world.Sabotage is Sabotage.LeaseNeverEnds ? 0 : ElapsedUs;

    public long NowMs => (world.NowUs - _startUs - node.SuspendedUs) * ratePerMille / 1_000_000;

    public long SinceBootMs => ElapsedUs / 1_000;

    public long NowUs => ElapsedUs;

    public long UnixMs => world.UnixMs + node.WallClockOffsetMs;

    private long ElapsedUs => (world.NowUs - _startUs - NotCountedUs) * ratePerMille / 1_000;

    private long NotCountedUs => world.Sabotage is Sabotage.LeaseClockStopsInSuspension ? node.SuspendedUs : 0;

    public long TimestampOf(long tick) => tick * TickUs;

    /// <summary>How long the world takes for so many milliseconds of this clock.</summary>
    public long WorldUsOf(int milliseconds) => ((milliseconds * 1_000L * 1_000) + ratePerMille - 1) / ratePerMille;
}
