namespace KvCloud.Node.Telemetry;

/// <summary>
/// Rate limit for log lines of one kind: passes a few in each window and counts the rest, so that a client that sends
/// garbage in a loop can neither fill the disk nor hide what else is there. Thread-safe.
/// </summary>
internal sealed class LogRateLimit(int linesPerWindow, TimeSpan window, TimeProvider time)
{
    private readonly long _windowTicks = (long)(time.TimestampFrequency * window.TotalSeconds);
    private readonly Lock _gate = new();
    private long _window = -1;
    private int _lines;
    private long _suppressed;

    /// <summary>Whether to write the line, and how many lines were suppressed since the last one written.</summary>
    public bool TryPass(out long suppressed)
    {
        long now = time.GetTimestamp() / _windowTicks;
        lock (_gate)
        {
            if (now != _window)
            {
                _window = now;
                _lines = 0;
            }

            suppressed = _suppressed;
            if (_lines >= linesPerWindow)
            {
                _suppressed++;
                return false;
            }

            _lines++;
            _suppressed = 0;
            return true;
        }
    }
}
