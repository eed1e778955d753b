namespace KvCloud.Node.Replication.Snapshots;

/// <summary>A token bucket that limits bytes per second. Any thread.</summary>
internal sealed class RateLimit(IReplicaClock clock, long bytesPerSecond)
{
    /// <summary>The size of the bucket: 50 ms of the rate.</summary>
    private readonly long _burst = Math.Max(1, bytesPerSecond / 20);
    private readonly Lock _gate = new();
    private long _left = Math.Max(1, bytesPerSecond / 20);
    private long _countedAtUs = clock.NowUs;

    /// <summary>Takes the bytes if the bucket is not empty. It may go negative, and then refills first.</summary>
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

    /// <summary>Accounts for bytes whose number was not known before they were read.</summary>
    public void Charge(int bytes)
    {
        lock (_gate)
        {
            _left -= bytes;
        }
    }
}
