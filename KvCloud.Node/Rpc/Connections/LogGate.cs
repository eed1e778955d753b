using KvCloud.Node.Replication;

namespace KvCloud.Node.Rpc.Connections;

/// <summary>
/// Rate limit for log lines of one kind: passes a few each second and counts the rest, so that a client that sends
/// garbage in a loop cannot fill the disk. Thread-safe.
/// </summary>
internal sealed class LogGate(int linesPerSecond, IReplicaClock clock)
{
    private readonly Lock _gate = new();
    private long _second;
    private int _lines;
    private long _suppressed;

    /// <summary>Whether to write the line, and how many lines were suppressed since the last one written.</summary>
    public bool TryPass(out long suppressed)
    {
        long second = clock.NowMs / 1_000;
        lock (_gate)
        {
            if (second != _second)
            {
                _second = second;
                _lines = 0;
            }

            if (_lines >= linesPerSecond)
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
