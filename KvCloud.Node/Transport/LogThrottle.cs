namespace KvCloud.Node.Transport;

/// <summary>
/// Passes each distinct error once per interval, and only a limited number of distinct ones, so that unknown peers
/// cannot fill the log.
/// </summary>
internal sealed class LogThrottle(int intervalMs, TimeProvider time)
{
    private const int MaxReasons = 64;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, long> _lastTickMs = [];

    public bool Allows(string error)
    {
        long now = time.NowMs();
        lock (_lock)
        {
            if (_lastTickMs.TryGetValue(error, out long last) && now - last < intervalMs)
            {
                return false;
            }

            if (_lastTickMs.Count >= MaxReasons)
            {
                Forget(now - intervalMs);
                if (_lastTickMs.Count >= MaxReasons)
                {
                    return false;
                }
            }

            _lastTickMs[error] = now;
            return true;
        }
    }

    private void Forget(long untilTickMs)
    {
        foreach (string old in _lastTickMs.Where(pair => pair.Value <= untilTickMs).Select(pair => pair.Key).ToArray())
        {
            _lastTickMs.Remove(old);
        }
    }
}
