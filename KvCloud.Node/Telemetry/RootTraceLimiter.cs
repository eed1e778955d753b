namespace KvCloud.Node.Telemetry;

/// <summary>Limits the traces per second that start with calls without a trace context. Thread-safe.</summary>
internal sealed class RootTraceLimiter(int maxPerSecond, TimeProvider time)
{
    private readonly Lock _gate = new();
    private long _second = -1;
    private int _taken;

    public bool TryTake()
    {
        if (maxPerSecond == 0)
        {
            return false;
        }

        long second = time.GetTimestamp() / time.TimestampFrequency;

        // Fast path: on a busy node nearly all calls return here, without taking the lock.
        if (Volatile.Read(ref _second) == second && Volatile.Read(ref _taken) >= maxPerSecond)
        {
            return false;
        }

        lock (_gate)
        {
            if (_second != second)
            {
                Volatile.Write(ref _taken, 0);
                Volatile.Write(ref _second, second);
            }

            return _taken < maxPerSecond && ++_taken > 0;
        }
    }
}
