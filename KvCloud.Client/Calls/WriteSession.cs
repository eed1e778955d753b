namespace KvCloud.Client.Calls;

/// <summary>
/// A session of the cluster: hands out sequence numbers and knows below which of them every write is finished, so that
/// the cluster can forget those answers. Thread-safe.
/// </summary>
internal sealed class WriteSession(long clientId)
{
    /// <summary>
    /// How many writes may lie between the oldest unfinished one and the newest. The cluster remembers the answers of
    /// the last 1,024 requests of a session and no more (docs/client.md), so this must not be larger.
    /// </summary>
    public const int WindowSize = 1024;

    private readonly Lock _lock = new();
    private readonly bool[] _finished = new bool[WindowSize];
    private long _next = 1;
    private long _low = 1;
    private bool _expired;

    public long ClientId { get; } = clientId;

    /// <summary>Every sequence below this one is finished.</summary>
    public long AcknowledgedBelow => Volatile.Read(ref _low);

    public bool IsExpired => Volatile.Read(ref _expired);

    /// <summary>False when the window is full or the session is no more.</summary>
    public bool TryTake(out WriteIdentity identity)
    {
        lock (_lock)
        {
            if (_expired || _next - _low >= WindowSize)
            {
                identity = default;
                return false;
            }

            identity = new WriteIdentity(this, _next++);
            return true;
        }
    }

    /// <summary>The write will not be sent again: its answer is known, or its caller was told that it is not.</summary>
    public void Finish(long sequence)
    {
        lock (_lock)
        {
            _finished[sequence % WindowSize] = true;
            long low = _low;
            while (low < _next && _finished[low % WindowSize])
            {
                _finished[low % WindowSize] = false;
                low++;
            }

            Volatile.Write(ref _low, low);
        }
    }

    /// <summary>The cluster does not know the session any more: nothing new may use it.</summary>
    public void Expire() => Volatile.Write(ref _expired, true);
}
