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
    /// Fewer calls of others in one review are a health check, or somebody at a console: nobody is slowed for them.
    /// </summary>
    private const int LeastCallsOfOthers = 3;

    /// <summary>
    /// So long ago others may have called last, and the caller may have had to wait last: not each review finds them
    /// calling, or finds that it has to wait before what it has in flight is answered.
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
    private Dictionary<RpcFlow, Taken> _taken = [];

    /// <param name="PerSecond">What it takes.</param>
    private readonly record struct Heavy(RpcFlow Flow, long LeastPerSecond, long PerSecond);

    /// <param name="Calls">In a second, smoothed.</param>
    /// <param name="Cost">In a second, smoothed.</param>
    /// <param name="OthersCalledMs">When others called last.</param>
    /// <param name="WasMuchMs">When it took much more than they, or its pace made it wait, the last time.</param>
    private readonly record struct Taken(double Calls, double Cost, long OthersCalledMs, long WasMuchMs);

    /// <summary>Whether somebody takes much more than others, so that delays are to be observed.</summary>
    public bool HasHeavy => _heavy.Count > 0;

    /// <summary>Decides who takes much more than others, by what they took since the last review.</summary>
    public void Review(IReadOnlyList<RpcFlow> flows, long nowMs, long elapsedMs)
    {
        FlowUse[] uses = [.. flows.Select(flow => flow.Pace.TakeUse())];
        Taken[] taken = [.. flows.Zip(uses, (flow, use) => Smooth(flow, use, nowMs, elapsedMs))];
        int active = taken.Count(each => each.Calls >= 1);
        long calls = uses.Sum(use => use.Calls);
        double cost = taken.Sum(each => each.Cost);
        _heavy.Clear();
        for (int i = 0; i < taken.Length; i++)
        {
            double ofAnother = (cost - taken[i].Cost) / Math.Max(1, active - 1);
            taken[i] = taken[i] with
            {
                OthersCalledMs = calls - uses[i].Calls >= LeastCallsOfOthers ? nowMs : taken[i].OthersCalledMs,
                WasMuchMs = uses[i].WasHeld || taken[i].Cost > HeavyTimes * ofAnother ? nowMs : taken[i].WasMuchMs,
            };
            if (Math.Min(taken[i].OthersCalledMs, taken[i].WasMuchMs) <= nowMs - RememberMs)
            {
                flows[i].Pace.Free();
            }
            else
            {
                long least = Math.Max(LeastPerSecond, (long)(LeastTimes * ofAnother));
                double now = Math.Max(taken[i].Cost, uses[i].Cost * MsPerSecond / elapsedMs);
                _heavy.Add(new Heavy(flows[i], least, (long)now));
            }
        }

        _taken = flows.Zip(taken).ToDictionary(each => each.First, each => each.Second);
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

    private Taken Smooth(RpcFlow flow, FlowUse use, long nowMs, long elapsedMs)
    {
        Taken before = _taken.GetValueOrDefault(flow, new Taken(0, 0, nowMs - RememberMs, nowMs - RememberMs));
        return before with
        {
            Calls = before.Calls + (NewWeight * ((use.Calls * MsPerSecond / elapsedMs) - before.Calls)),
            Cost = before.Cost + (NewWeight * ((use.Cost * MsPerSecond / elapsedMs) - before.Cost)),
        };
    }
}
