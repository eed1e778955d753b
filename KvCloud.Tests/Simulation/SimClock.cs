namespace KvCloud.Tests.Simulation;

/// <summary>A node's own clock: ticks of 10 ms from its start, at a rate of its own.</summary>
internal sealed class SimClock(long startUs, int ratePerMille)
{
    private const long TickUs = 10_000;

    /// <summary>The tick that this clock shows at a moment of the world.</summary>
    public long TickAt(long worldUs) => (worldUs - startUs) * ratePerMille / (1_000 * TickUs);

    /// <summary>The first moment of the world at which this clock shows the tick.</summary>
    public long MomentOf(long tick) => startUs + (((tick * TickUs * 1_000) + ratePerMille - 1) / ratePerMille);
}
