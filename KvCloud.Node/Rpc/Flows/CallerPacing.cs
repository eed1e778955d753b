namespace KvCloud.Node.Rpc.Flows;

/// <summary>
/// Slows down callers that take much more than others who call at the same time, as far as the others wait for it.
/// Whether they do is told by how long threads wait for a core: each measured delay that is too long lowers the pace of
/// such a caller and each other one raises it, so that it settles where one in a hundred is too long. Not thread-safe.
/// </summary>
/// <param name="maxDelayUs">A longer delay is too long.</param>
/// <param name="onHeld">Called with a caller that was not held to a pace before.</param>
internal sealed class CallerPacing(long maxDelayUs, Action<RpcFlow> onHeld)
{
    /// <summary>Who takes more than this many times what others take on average is held to a pace.</summary>
    private const int HeavyTimes = 4;

    /// <summary>Nobody is held to less than this many times what others take on average.</summary>
    private const int LeastTimes = 2;

    /// <summary>Nor to less than this in a second, in bytes.</summary>
    private const long LeastPerSecond = 2 * 1024 * 1024;

    /// <summary>
    /// Fewer calls of others in a second are health checks, or somebody at a console: nobody is slowed for them.
    /// </summary>
    private const double LeastCallsOfOthers = 30;

    /// <summary>
    /// So long after others have called, or the caller has taken much, it is still held: not each review finds them
    /// calling, or finds it reading before what it has in flight is answered.
    /// </summary>
    private const long RememberMs = 1000;

    /// <summary>What a delay that is too long makes of a pace.</summary>
    private const double Slower = 0.9;

    /// <summary>Ninety-nine delays that are not too long make up for one that is.</summary>
    private const double Faster = 1.00107;

    /// <summary>A pace of more than this many times what the caller takes holds up nothing, and ends.</summary>
    private const int FreeTimes = 4;

    /// <summary>
    /// Weight of what was taken since the last review; the rest is what was taken before. A few large answers make
    /// nobody heavy.
    /// </summary>
    private const double NewWeight = 0.2;

    private const double MsPerSecond = 1000;

    private readonly List<Heavy> _heavy = [];

    /// <param name="PerSecond">What it takes.</param>
    private readonly record struct Heavy(RpcFlow Flow, long LeastPerSecond, long PerSecond);

    /// <summary>Whether somebody takes much more than others, so that delays are to be observed.</summary>
    public bool HasHeavy => _heavy.Count > 0;

    /// <summary>Decides who takes much more than others, by what they took since the last review.</summary>
    public void Review(IReadOnlyList<RpcFlow> flows, long nowMs, long elapsedMs)
    {
        double calls = 0;
        double cost = 0;
        long lately = 0;
        int active = 0;
        foreach (RpcFlow flow in flows)
        {
            Smooth(flow.Pace, elapsedMs);
            calls += flow.Pace.UsageRate.Calls;
            cost += flow.Pace.UsageRate.Cost;
            lately += flow.Pace.Usage.Calls;
            active += IsActive(flow.Pace) ? 1 : 0;
        }

        _heavy.Clear();
        foreach (RpcFlow flow in flows)
        {
            FlowPace pace = flow.Pace;
            int others = active - (IsActive(pace) ? 1 : 0);
            double ofAnother = (cost - pace.UsageRate.Cost) / Math.Max(1, others);
            if (calls - pace.UsageRate.Calls >= LeastCallsOfOthers && lately > pace.Usage.Calls)
            {
                pace.OthersCalledMs = nowMs;
            }

            if (pace.Usage.WasHeld || pace.UsageRate.Cost > HeavyTimes * ofAnother)
            {
                pace.TookMuchMs = nowMs;
            }

            if (Math.Min(pace.OthersCalledMs, pace.TookMuchMs) <= nowMs - RememberMs)
            {
                pace.Free();
                continue;
            }

            long least = Math.Max(LeastPerSecond, (long)(LeastTimes * ofAnother));
            double now = Math.Max(pace.UsageRate.Cost, pace.Usage.Cost * MsPerSecond / elapsedMs);
            _heavy.Add(new Heavy(flow, least, (long)now));
        }
    }

    /// <summary>A thread has waited so long for a core.</summary>
    public void Observe(long delayUs)
    {
        bool isTooLong = delayUs > maxDelayUs;
        foreach (Heavy heavy in _heavy)
        {
            FlowPace pace = heavy.Flow.Pace;
            if (pace.PerSecond is null && !isTooLong)
            {
                continue;
            }

            double next = (pace.PerSecond ?? heavy.PerSecond) * (isTooLong ? Slower : Faster);
            if (next > FreeTimes * (double)Math.Max(heavy.LeastPerSecond, heavy.PerSecond))
            {
                pace.Free();
                continue;
            }

            bool isNew = pace.PerSecond is null;
            pace.Hold(Math.Max(heavy.LeastPerSecond, (long)next));
            if (isNew)
            {
                onHeld(heavy.Flow);
            }
        }
    }

    private static bool IsActive(FlowPace pace) => pace.UsageRate.Calls >= 1;

    private static void Smooth(FlowPace pace, long elapsedMs)
    {
        FlowUsage usage = pace.TakeUsage();
        FlowUsageRate before = pace.UsageRate;
        pace.Usage = usage;
        pace.UsageRate = new FlowUsageRate(
            before.Calls + (NewWeight * ((usage.Calls * MsPerSecond / elapsedMs) - before.Calls)),
            before.Cost + (NewWeight * ((usage.Cost * MsPerSecond / elapsedMs) - before.Cost)));
    }
}
