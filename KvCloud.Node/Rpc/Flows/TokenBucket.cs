namespace KvCloud.Node.Rpc.Flows;

/// <summary>
/// A rate that is kept by waiting: whatever finds a token left goes through, may take more than there is, and makes the
/// next one wait until that is paid for. Thread-safe.
/// </summary>
internal sealed class TokenBucket
{
    private const double MsPerSecond = 1000;

    /// <summary>It fills up in a twentieth of a second, so that nobody who pauses can save up for a burst.</summary>
    private const int FillsPerSecond = 20;

    private const int PlacesPerTurn = 16;

    private readonly Lock _gate = new();
    private readonly long _fullTurn;
    private long _perSecond;
    private double _capacity;
    private double _turn;
    private double _tokens;
    private long _filledMs;

    private TokenBucket(long perSecond, long turn, long nowMs)
    {
        _fullTurn = turn;
        Use(perSecond);
        _tokens = _capacity;
        _filledMs = nowMs;
    }

    /// <summary>Tokens that it gets in a second.</summary>
    public long PerSecond => Volatile.Read(ref _perSecond);

    /// <summary>Null for a rate of 0, which means that there is no limit.</summary>
    /// <param name="turn">
    /// How many tokens somebody who had to wait finds, so that it need not wait again for each single one.
    /// </param>
    public static TokenBucket? Of(long perSecond, long turn, long nowMs) =>
        perSecond == 0 ? null : new TokenBucket(perSecond, turn, nowMs);

    /// <summary>From now on it gets another number of tokens in a second.</summary>
    public void SetRate(long perSecond, long nowMs)
    {
        lock (_gate)
        {
            Fill(nowMs);
            Use(perSecond);
            _tokens = Math.Min(_tokens, _capacity);
        }
    }

    /// <summary>Takes as many, also if there are fewer. True if the next one has to wait.</summary>
    public bool Take(long tokens, long nowMs)
    {
        lock (_gate)
        {
            Fill(nowMs);
            _tokens -= tokens;
            return _tokens <= 0;
        }
    }

    public bool IsSpent(long nowMs)
    {
        lock (_gate)
        {
            Fill(nowMs);
            return _tokens <= 0;
        }
    }

    /// <summary>How long somebody who found none has to wait.</summary>
    /// <param name="place">
    /// In the line of those that wait, from 1 on. The first waits for a turn's worth and each behind it for a part of
    /// one more: nobody knows how much those before it will take, which often is a single call.
    /// </param>
    public long WaitMs(long nowMs, long place = 1)
    {
        lock (_gate)
        {
            Fill(nowMs);
            double missing = _turn + ((place - 1) * _turn / PlacesPerTurn) - _tokens;
            return Math.Max(0, (long)Math.Ceiling(missing * MsPerSecond / _perSecond));
        }
    }

    private void Use(long perSecond)
    {
        _perSecond = perSecond;
        _capacity = Math.Max(1, (double)perSecond / FillsPerSecond);
        _turn = Math.Min(_fullTurn, _capacity);
    }

    private void Fill(long nowMs)
    {
        if (nowMs > _filledMs)
        {
            _tokens = Math.Min(_capacity, _tokens + (_perSecond * (nowMs - _filledMs) / MsPerSecond));
            _filledMs = nowMs;
        }
    }
}
