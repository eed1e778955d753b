namespace KvCloud.Node.History;

/// <summary>The newest items, numbered, within a limit of number and memory. Thread-safe.</summary>
/// <remarks>
/// Numbers begin at the time of the start, in microseconds, and so grow over restarts too: who asks for what came after
/// a number misses nothing that the next process of this replica adds. They fit into 53 bits, as JavaScript needs.
/// </remarks>
internal sealed class HistoryRing<T>
    where T : HistoryItem
{
    private readonly int _maxItems;
    private readonly long _maxBytes;
    private readonly TimeProvider _time;
    private readonly long _base;
    private readonly Lock _gate = new();
    private readonly Queue<T> _items = new();
    private long _last;
    private long _bytes;

    public HistoryRing(int maxItems, long maxBytes, TimeProvider time)
    {
        _maxItems = maxItems;
        _maxBytes = maxBytes;
        _time = time;
        _base = time.GetUtcNow().ToUnixTimeMilliseconds() * 1_000;
        _last = _base;
    }

    public void Add(T item)
    {
        DateTimeOffset now = _time.GetUtcNow();
        lock (_gate)
        {
            item.Sequence = ++_last;
            item.Time = now;
            _items.Enqueue(item);
            _bytes += item.SizeBytes;

            // The newest is kept whatever its size.
            while (_items.Count > _maxItems || (_bytes > _maxBytes && _items.Count > 1))
            {
                _bytes -= _items.Dequeue().SizeBytes;
            }
        }
    }

    /// <summary>Reads what came after a number; without one, the newest.</summary>
    /// <param name="isWanted">What is not wanted is skipped, and does not count towards the limit.</param>
    public HistoryPage<T> Read(long? after, int limit, Func<T, bool>? isWanted = null)
    {
        T[] items;
        long last;
        lock (_gate)
        {
            items = [.. _items];
            last = _last;
        }

        if (after is not long known)
        {
            T[] newest = [.. items.Where(item => isWanted?.Invoke(item) != false).TakeLast(limit)];
            return new HistoryPage<T>(newest, last, 0);
        }

        long first = items.Length == 0 ? last + 1 : items[0].Sequence;
        long dropped = Math.Max(0, first - 1 - Math.Max(known, _base));
        T[] wanted =
        [
            .. items.Where(item => item.Sequence > known && isWanted?.Invoke(item) != false).Take(limit + 1),
        ];
        return wanted.Length > limit
            ? new HistoryPage<T>(wanted[..limit], wanted[limit - 1].Sequence, dropped)
            : new HistoryPage<T>(wanted, last, dropped);
    }
}
