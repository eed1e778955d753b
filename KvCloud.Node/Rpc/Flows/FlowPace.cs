using KvCloud.Node.Replication;

namespace KvCloud.Node.Rpc.Flows;

/// <summary>What a caller took between two calls of <see cref="FlowPace.TakeUsage"/>.</summary>
/// <param name="Cost">In bytes, as a pace is.</param>
/// <param name="WasHeld">Whether its pace made it wait.</param>
internal readonly record struct FlowUsage(long Calls, long Cost, bool WasHeld);

/// <summary>What a caller takes in a second, smoothed.</summary>
internal readonly record struct FlowUsageRate(double Calls, double Cost);

/// <summary>
/// What a caller takes of this node, and the rate that <see cref="CallerPacing"/> holds it to, if any. The unit of both
/// is about what a byte of a request costs; each call costs some more. Thread-safe.
/// </summary>
internal sealed class FlowPace(IReplicaClock clock)
{
    /// <summary>What a call costs beside its bytes: about what it takes to read, propose and answer it.</summary>
    public const int CallCost = 256;

    /// <summary>A byte of an answer is read from the store before it is written.</summary>
    private const int AnswerCost = 2;

    /// <summary>Some tens of small calls: with longer turns others would wait for each of them.</summary>
    private const int TurnCost = 16 * 1024;

    private long _calls;
    private long _cost;
    private volatile bool _wasHeld;
    private volatile TokenBucket? _rate;

    /// <summary>What it may take in a second; null while it is not held to anything.</summary>
    public long? PerSecond => _rate?.PerSecond;

    /// <summary>Whether its pace makes it wait now.</summary>
    public bool IsSpent => _rate?.IsSpent(clock.NowMs) == true;

    /// <summary>Found by the last review. Owned by <see cref="CallerPacing"/>, as the following are.</summary>
    public FlowUsage Usage { get; set; }

    /// <summary>Smoothed over the last reviews.</summary>
    public FlowUsageRate UsageRate { get; set; }

    /// <summary>When others called last.</summary>
    public long OthersCalledMs { get; set; } = long.MinValue / 2;

    /// <summary>When it took much more than others, or its pace made it wait, the last time.</summary>
    public long TookMuchMs { get; set; } = long.MinValue / 2;

    /// <summary>Calls have been read.</summary>
    public void CountCalls(long calls, long bytes)
    {
        long cost = bytes + (calls * CallCost);
        Interlocked.Add(ref _calls, calls);
        Interlocked.Add(ref _cost, cost);
    }

    /// <summary>Answers have been written.</summary>
    public void CountAnswers(long bytes)
    {
        long cost = bytes * AnswerCost;
        Interlocked.Add(ref _cost, cost);
        Pay(cost);
    }

    /// <summary>A call has been read; <see cref="CountCalls"/> follows at the end of the turn.</summary>
    public void PayForCall(long bytes) => Pay(bytes + CallCost);

    /// <summary>What it took since this was asked the last time, and whether its pace made it wait.</summary>
    public FlowUsage TakeUsage()
    {
        // It may still owe for what it took before, and take nothing until that is paid for.
        bool wasHeld = IsSpent || _wasHeld;
        _wasHeld = false;
        return new FlowUsage(Interlocked.Exchange(ref _calls, 0), Interlocked.Exchange(ref _cost, 0), wasHeld);
    }

    /// <summary>From now on it may take so much in a second.</summary>
    public void Hold(long perSecond)
    {
        if (_rate is { } rate)
        {
            rate.SetRate(perSecond, clock.NowMs);
        }
        else
        {
            _rate = TokenBucket.Of(perSecond, TurnCost, clock.NowMs);
        }
    }

    public void Free() => _rate = null;

    /// <param name="place">In the line of those that wait, from 1 on.</param>
    public long WaitMs(long place) => _rate?.WaitMs(clock.NowMs, place) ?? 0;

    private void Pay(long cost)
    {
        if (_rate?.Take(cost, clock.NowMs) == true)
        {
            _wasHeld = true;
        }
    }
}
