namespace KvCloud.Node.Replication.Snapshots;

/// <summary>So many bytes a second, and not many more at once. Any thread.</summary>
internal sealed class RateLimit(IReplicaClock clock, long bytesPerSecond)
{
    /// <summary>What may go at once after a pause: a twentieth of a second's.</summary>
    private readonly long _burst = Math.Max(1, bytesPerSecond / 20);
    private readonly Lock _gate = new();
    private long _left = Math.Max(1, bytesPerSecond / 20);
    private long _countedAtUs = clock.NowUs;

    /// <summary>Whether so much may go now. A debt that a large one leaves is paid before the next.</summary>
    public bool TryTake(int bytes)
    {
        lock (_gate)
        {
            long nowUs = clock.NowUs;
            long earned = (long)((nowUs - _countedAtUs) * (Int128)bytesPerSecond / 1_000_000);
            if (earned > 0)
            {
                _left = Math.Min(_burst, _left + earned);
                _countedAtUs = nowUs;
            }

            if (_left <= 0)
            {
                return false;
            }

            _left -= bytes;
            return true;
        }
    }

    /// <summary>So much has gone, which was not known before.</summary>
    public void Charge(int bytes)
    {
        lock (_gate)
        {
            _left -= bytes;
        }
    }
}
