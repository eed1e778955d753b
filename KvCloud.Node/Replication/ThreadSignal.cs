namespace KvCloud.Node.Replication;

/// <summary>
/// Wakes the one thread that waits here; a call that comes before the wait is not lost. The state that the call is about
/// has a lock of its own, which the caller has left by then.
/// </summary>
/// <remarks>
/// Not Monitor.Pulse: it wakes its thread while the lock is still held, and on few cores that thread runs at once, finds the
/// lock taken and sleeps again. Measured with both threads on one core: 20 microseconds for each change of threads with
/// Pulse, 8 with this.
/// </remarks>
internal sealed class ThreadSignal : IDisposable
{
    private readonly AutoResetEvent _event = new(initialState: false);
    private bool _isAwaited;

    /// <summary>Under the state's lock, by the thread that found nothing to do and will wait.</summary>
    public void Expect() => _isAwaited = true;

    /// <summary>Under the state's lock, by who changed it: whether the thread is to be woken after the lock.</summary>
    public bool TakeExpected()
    {
        bool isAwaited = _isAwaited;
        _isAwaited = false;
        return isAwaited;
    }

    /// <summary>Outside of the state's lock, with the answer of <see cref="TakeExpected"/>.</summary>
    public void WakeIf(bool isAwaited)
    {
        if (!isAwaited)
        {
            return;
        }

        try
        {
            _event.Set();
        }
        catch (ObjectDisposedException)
        {
            // The thread that it would wake has ended meanwhile.
        }
    }

    /// <summary>Waits for a <see cref="WakeIf"/>; it may return without one, so the state is looked at again.</summary>
    public void Wait(int timeoutMs = Timeout.Infinite) => _event.WaitOne(timeoutMs);

    public void Dispose() => _event.Dispose();
}
