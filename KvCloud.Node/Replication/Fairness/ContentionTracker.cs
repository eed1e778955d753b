namespace KvCloud.Node.Replication.Fairness;

/// <summary>
/// Whether several callers have called within the last second. One alone may take all there is: nobody waits for it.
/// </summary>
internal sealed class ContentionTracker(IReplicaClock clock)
{
    private const long RememberMs = 1000;

    private object? _last;
    private long _untilMs = long.MinValue;

    /// <summary>Whether others than the one that called last have called a moment ago. Any thread.</summary>
    public bool IsContended => Volatile.Read(ref _untilMs) > clock.NowMs;

    /// <summary>Any thread; writes only when another than before calls.</summary>
    public void Note(object flow)
    {
        if (!ReferenceEquals(Volatile.Read(ref _last), flow))
        {
            bool isFirst = Interlocked.Exchange(ref _last, flow) is null;
            if (!isFirst)
            {
                Volatile.Write(ref _untilMs, clock.NowMs + RememberMs);
            }
        }
    }
}
