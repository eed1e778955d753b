namespace KvCloud.Node.Tls;

/// <summary>
/// Bounds how many handshakes are in progress. Beyond that the oldest is given up: a client that means it is done
/// within moments, and silent ones must not keep it out. Thread-safe.
/// </summary>
internal sealed class PendingHandshakes(int limit)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<CancellationTokenSource> _pending = new();

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _pending.Count;
            }
        }
    }

    /// <summary>Begins one; cancelled when it has to make room. True if another had to.</summary>
    public bool Enter(CancellationTokenSource handshake)
    {
        CancellationTokenSource? oldest = null;
        lock (_lock)
        {
            if (_pending.Count >= limit)
            {
                oldest = _pending.First!.Value;
                _pending.RemoveFirst();
            }

            _pending.AddLast(handshake);
        }

        // What is cancelled runs on its own thread: this one has a client to serve.
        _ = oldest?.CancelAsync();
        return oldest is not null;
    }

    public void Leave(CancellationTokenSource handshake)
    {
        lock (_lock)
        {
            _pending.Remove(handshake);
        }
    }
}
