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
    private int _isAwaited;

    /// <summary>Under the state's lock, by the thread that found nothing to do and will wait.</summary>
    public void Expect() => _isAwaited = 1;

    /// <summary>Under the state's lock: whether the change just made is worth a <see cref="Wake"/> after the lock.</summary>
    public bool TakeExpected()
    {
        bool isAwaited = _isAwaited != 0;
        _isAwaited = 0;
        return isAwaited;
    }

    public void Wake()
    {
        try
        {
            _event.Set();
        }
        catch (ObjectDisposedException)
        {
            // The thread that it would wake has ended meanwhile.
        }
    }

    /// <summary>Waits for a <see cref="Wake"/>; it may return without one, so the state is looked at again.</summary>
    public void Wait(int timeoutMs = Timeout.Infinite) => _event.WaitOne(timeoutMs);

    public void Dispose() => _event.Dispose();
}
