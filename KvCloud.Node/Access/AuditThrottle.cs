namespace KvCloud.Node.Access;

/// <summary>Lets so many lines through in a second, and counts the others.</summary>
internal sealed class AuditThrottle(int perSecond, TimeProvider time)
{
    private readonly Lock _gate = new();
    private long _second = -1;
    private int _passed;
    private long _suppressed;

    /// <param name="suppressed">How many were not let through since the last that was.</param>
    public bool TryPass(out long suppressed)
    {
        lock (_gate)
        {
            long second = time.GetTimestamp() / time.TimestampFrequency;
            if (second != _second)
            {
                (_second, _passed) = (second, 0);
            }

            suppressed = _suppressed;
            if (_passed >= perSecond)
            {
                _suppressed++;
                return false;
            }

            _passed++;
            _suppressed = 0;
            return true;
        }
    }
}
