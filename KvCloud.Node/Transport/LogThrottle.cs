namespace KvCloud.Node.Transport;

/// <summary>
/// Lets the same complaint through once in an interval, and only so many different ones, so that unknown peers cannot
/// fill the log.
/// </summary>
internal sealed class LogThrottle(int intervalMs)
{
    private const int MaxComplaints = 64;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, long> _lastTickMs = [];

    public bool Allows(string complaint)
    {
        long now = Environment.TickCount64;
        lock (_lock)
        {
            if (_lastTickMs.TryGetValue(complaint, out long last) && now - last < intervalMs)
            {
                return false;
            }

            if (_lastTickMs.Count >= MaxComplaints)
            {
                Forget(now - intervalMs);

                if (_lastTickMs.Count >= MaxComplaints)
                {
                    return false;
                }
            }

            _lastTickMs[complaint] = now;
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
