namespace KvCloud.Node.Rpc.Connections;

/// <summary>
/// The calls of one connection in arrival order. The connection's reader appends, the holder of the output lock removes
/// from the front.
/// </summary>
internal sealed class CallRing
{
    private const int InitialCapacity = 16;

    private readonly Lock _gate = new();
    private IPendingCall?[] _calls = new IPendingCall?[InitialCapacity];
    private long _head;
    private long _tail;
    private TaskCompletionSource? _roomWaiter;
    private int _roomWanted;
    private bool _isClosed;

    /// <summary>Waiting calls. Only the reader adds calls, so for the reader this is a valid upper bound.</summary>
    public int Count => (int)(Volatile.Read(ref _tail) - Volatile.Read(ref _head));

    /// <summary>Index of the call at the front, or of the next call if none waits.</summary>
    public long Head => Volatile.Read(ref _head);

    /// <summary>False after <see cref="Close"/>. Reader only.</summary>
    public bool TryAdd(IPendingCall call, out long index)
    {
        lock (_gate)
        {
            index = _tail;
            if (_isClosed)
            {
                return false;
            }

            if (_tail - _head == _calls.Length)
            {
                Grow();
            }

            _calls[_tail & (_calls.Length - 1)] = call;
            _tail++;
            return true;
        }
    }

    /// <summary>The call at the front if it is ready, else null.</summary>
    public IPendingCall? PeekReady()
    {
        // The fence between advancing the head and reading the ready flag; see CallQueue.
        Interlocked.MemoryBarrier();
        lock (_gate)
        {
            IPendingCall? call = _head == _tail ? null : _calls[_head & (_calls.Length - 1)];
            return call is { IsReady: true } ? call : null;
        }
    }

    /// <summary>Removes the call at the front.</summary>
    public void RemoveFirst()
    {
        TaskCompletionSource? waiter = null;
        lock (_gate)
        {
            _calls[_head & (_calls.Length - 1)] = null;
            Volatile.Write(ref _head, _head + 1);
            if (_roomWaiter is not null && _tail - _head <= _roomWanted)
            {
                (waiter, _roomWaiter) = (_roomWaiter, null);
            }
        }

        waiter?.TrySetResult();
    }

    /// <summary>Accepts no more calls and returns the waiting ones. Idempotent.</summary>
    public IPendingCall[] Close()
    {
        TaskCompletionSource? waiter;
        IPendingCall[] left;
        lock (_gate)
        {
            _isClosed = true;
            left = new IPendingCall[_tail - _head];
            for (int place = 0; place < left.Length; place++)
            {
                left[place] = _calls[(_head + place) & (_calls.Length - 1)]!;
            }

            Array.Clear(_calls);
            Volatile.Write(ref _head, _tail);
            (waiter, _roomWaiter) = (_roomWaiter, null);
        }

        waiter?.TrySetResult();
        return left;
    }

    /// <summary>Completes when at most <paramref name="count"/> calls wait. Reader only.</summary>
    public Task WaitUntilAtMostAsync(int count)
    {
        lock (_gate)
        {
            if (_isClosed || _tail - _head <= count)
            {
                return Task.CompletedTask;
            }

            _roomWanted = count;
            _roomWaiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _roomWaiter.Task;
        }
    }

    private void Grow()
    {
        var larger = new IPendingCall?[_calls.Length * 2];
        for (long index = _head; index < _tail; index++)
        {
            larger[index & (larger.Length - 1)] = _calls[index & (_calls.Length - 1)];
        }

        _calls = larger;
    }
}
