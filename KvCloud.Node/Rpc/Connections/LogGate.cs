using KvCloud.Node.Replication;

namespace KvCloud.Node.Rpc.Connections;

/// <summary>
/// Rate limit for log lines of one kind: passes a few each minute and counts the rest, so that a client that sends
/// garbage in a loop can neither fill the disk nor hide what else is there. Thread-safe.
/// </summary>
internal sealed class LogGate(int linesPerMinute, IReplicaClock clock)
{
    private const long MinuteMs = 60_000;

    private readonly Lock _gate = new();
    private long _minute = -1;
    private int _lines;
    private long _suppressed;

    /// <summary>Whether to write the line, and how many lines were suppressed since the last one written.</summary>
    public bool TryPass(out long suppressed)
    {
        long minute = clock.NowMs / MinuteMs;
        lock (_gate)
        {
            if (minute != _minute)
            {
                _minute = minute;
                _lines = 0;
            }

            if (_lines >= linesPerMinute)
            {
                _suppressed++;
                suppressed = 0;
                return false;
            }

            _lines++;
            suppressed = _suppressed;
            _suppressed = 0;
            return true;
        }
    }
}
