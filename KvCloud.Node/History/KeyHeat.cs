namespace KvCloud.Node.History;

/// <summary>
/// Which keys calls read and write, over the last minutes: of one call in <see cref="Sampling"/>, in bounded memory. A
/// call that is not sampled pays for one decrement.
/// </summary>
/// <remarks>
/// Samples are kept, not counts by range, because nobody knows beforehand where keys lie: the ranges are made of the
/// samples when somebody asks, so that each range had about equally many calls.
/// </remarks>
internal sealed class KeyHeat(TimeProvider time)
{
    public const int Sampling = 64;

    /// <summary>Ten minutes, with <see cref="WindowSeconds"/>.</summary>
    public const int MaxWindows = 60;

    public const int WindowSeconds = 10;

    /// <summary>What is longer of a key is cut off.</summary>
    public const int MaxKeyBytes = 64;

    /// <summary>Of a transaction so many keys count, those of its first mutations.</summary>
    public const int MaxKeysOfCall = 64;

    /// <summary>Calls until the next sampled one, on this thread; 0 before the first call.</summary>
    [ThreadStatic]
    private static int _left;

    private readonly Lock _gate = new();
    private readonly Queue<HeatWindow> _windows = new();

    /// <summary>The newest of the windows.</summary>
    private HeatWindow? _current;

    /// <summary>
    /// Whether the call that ends now is to be sampled. The distance to the next one is drawn: a fixed one would see
    /// always the same call of a loop.
    /// </summary>
    public static bool IsDue()
    {
        int left = _left - 1;
        if (left > 0)
        {
            _left = left;
            return false;
        }

        _left = Random.Shared.Next(1, 2 * Sampling);
        return left == 0;
    }

    /// <summary>Counts the keys of a sampled call.</summary>
    public void Add(IEnumerable<CallKey> keys, bool isWrite)
    {
        HeatSample[] samples =
        [
            .. keys.Take(MaxKeysOfCall).Select(key => new HeatSample(
                string.IsNullOrEmpty(key.ColumnFamily) ? "default" : key.ColumnFamily,
                key.Key[..Math.Min(key.Key.Length, MaxKeyBytes)].ToArray(),
                isWrite)),
        ];
        if (samples.Length == 0)
        {
            return;
        }

        lock (_gate)
        {
            HeatWindow window = Current();
            foreach (HeatSample sample in samples)
            {
                window.Add(sample, Random.Shared);
            }
        }
    }

    /// <summary>Windows without gaps, oldest first, the last one being now.</summary>
    public IReadOnlyList<HeatWindow> Windows()
    {
        lock (_gate)
        {
            Current();
            return [.. _windows.Select(window => window.Copy())];
        }
    }

    private HeatWindow Current()
    {
        long seconds = time.GetUtcNow().ToUnixTimeSeconds() / WindowSeconds * WindowSeconds;
        var start = DateTimeOffset.FromUnixTimeSeconds(seconds);
        if (_current is null || start - _current.Start >= TimeSpan.FromSeconds(MaxWindows * WindowSeconds))
        {
            _windows.Clear();
            _current = null;
        }

        // A clock that went back adds to the newest window.
        while (_current is null || _current.Start < start)
        {
            _current = new HeatWindow(_current?.Start.AddSeconds(WindowSeconds) ?? start);
            _windows.Enqueue(_current);
            if (_windows.Count > MaxWindows)
            {
                _windows.Dequeue();
            }
        }

        return _current;
    }
}
