namespace KvCloud.Node.Rpc.Flows;

/// <summary>
/// A rate limit: holds what a second brings, and lets anything through that finds some of it left, so that one call may
/// be larger than that and is paid for later. Thread-safe.
/// </summary>
internal sealed class TokenBucket
{
    private const long MsPerSecond = 1000;

    private readonly Lock _gate = new();
    private readonly long _perSecond;
    private double _tokens;
    private long _filledMs;

    private TokenBucket(long perSecond, long nowMs)
    {
        _perSecond = perSecond;
        _tokens = perSecond;
        _filledMs = nowMs;
    }

    /// <summary>Null for a rate of 0, which means that there is no limit.</summary>
    public static TokenBucket? Of(long perSecond, long nowMs) =>
        perSecond == 0 ? null : new TokenBucket(perSecond, nowMs);

    public bool TryTake(long tokens, long nowMs)
    {
        lock (_gate)
        {
            if (nowMs > _filledMs)
            {
                _tokens = Math.Min(_perSecond, _tokens + ((double)_perSecond * (nowMs - _filledMs) / MsPerSecond));
                _filledMs = nowMs;
            }

            if (_tokens < 1)
            {
                return false;
            }

            _tokens -= tokens;
            return true;
        }
    }
}
