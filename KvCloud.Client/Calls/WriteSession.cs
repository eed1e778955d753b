namespace KvCloud.Client.Calls;

/// <summary>
/// A session with the cluster: assigns sequence numbers and tracks below which of them every write is finished, so that
/// the cluster can forget those answers. Thread-safe.
/// </summary>
internal sealed class WriteSession(long clientId)
{
    /// <summary>
    /// Maximum distance between the oldest unfinished write and the newest. The cluster remembers only the answers of a
    /// session's last 1,024 requests (docs/client.md), so this must not be larger.
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

    /// <summary>False if the window is full or the session has expired.</summary>
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

    /// <summary>
    /// The write will not be sent again: its answer is known, or its caller was told that the outcome is unknown.
    /// </summary>
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

    /// <summary>The cluster no longer knows the session: no new write may use it.</summary>
    public void Expire() => Volatile.Write(ref _expired, true);
}
