using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace KvCloud.Node.State;

/// <summary>
/// The newest state of every key that the current batch has written, before the store has it. An open-addressing hash
/// table over slices of the batch's own memory, so a key costs no allocation. Iteration is in the order of insertion or
/// of keys, never of hashes.
/// </summary>
/// <remarks>
/// The key order is maintained from the first range lookup of a batch on, since most batches have none: m keys and n
/// ranges then cost (n + m) log m comparisons, plus the keys in the ranges.
/// </remarks>
internal sealed class WriteOverlay
{
    private const int InitialBuckets = 1024;
    private const int LargestKeptBuckets = 1 << 17;

    private readonly List<Entry> _entries = [];
    private readonly KeyOrder _order = new();
    private readonly SortedSet<Place> _ordered;

    /// <summary>Number of leading entries that are in <see cref="_ordered"/>.</summary>
    private int _orderedCount;

    /// <summary>Index of an entry plus one; 0 means free.</summary>
    private int[] _buckets = new int[InitialBuckets];

    public WriteOverlay() => _ordered = new SortedSet<Place>(_order);

    /// <summary>Key comparisons made so far by range lookups, for tests.</summary>
    public long Comparisons => _order.Comparisons;

    public ReadOnlySpan<Entry> Entries => CollectionsMarshal.AsSpan(_entries);

    public static ulong HashOf(ReadOnlySpan<byte> key) => XxHash3.HashToUInt64(key);

    /// <summary>The entry's index, or -1.</summary>
    public int Find(uint keyspace, ReadOnlySpan<byte> key, ulong hash)
    {
        int mask = _buckets.Length - 1;
        ReadOnlySpan<Entry> entries = Entries;
        for (int bucket = BucketOf(keyspace, hash, mask); _buckets[bucket] != 0; bucket = (bucket + 1) & mask)
        {
            int index = _buckets[bucket] - 1;
            ref readonly Entry entry = ref entries[index];
            if (entry.Hash == hash && entry.Keyspace == keyspace && entry.Key.Span.SequenceEqual(key))
            {
                return index;
            }
        }

        return -1;
    }

    /// <summary>Adds what <see cref="Find"/> did not find.</summary>
    public void Add(in Entry entry)
    {
        if (_entries.Count * 2 >= _buckets.Length)
        {
            Grow();
        }

        _entries.Add(entry);
        Insert(entry, _entries.Count);
    }

    /// <summary>
    /// What the batch has written within [begin, end), in key order. Without an end the range extends to that of the
    /// keyspace.
    /// </summary>
    public IEnumerable<Entry> Within(uint keyspace, ReadOnlyMemory<byte> begin, ReadOnlyMemory<byte>? end)
    {
        for (; _orderedCount < _entries.Count; _orderedCount++)
        {
            _ordered.Add(new Place(_entries[_orderedCount].Keyspace, _entries[_orderedCount].Key, _orderedCount));
        }

        var first = new Place(keyspace, begin, -1);

        // No key is empty, so an empty key can stand for the end of a keyspace.
        Place last = end is ReadOnlyMemory<byte> key
            ? new Place(keyspace, key, -1)
            : new Place(keyspace + 1, default, -1);
        return _ordered.Count == 0 || _order.Compare(first, last) >= 0 ? [] : Within(first, last);
    }

    public void Replace(int index, in Entry entry) => _entries[index] = entry;

    public void Clear()
    {
        _entries.Clear();
        _ordered.Clear();
        _orderedCount = 0;
        if (_buckets.Length > LargestKeptBuckets)
        {
            _buckets = new int[InitialBuckets];
            _entries.TrimExcess();
        }
        else
        {
            Array.Clear(_buckets);
        }
    }

    private IEnumerable<Entry> Within(Place first, Place last)
    {
        foreach (Place place in _ordered.GetViewBetween(first, last))
        {
            if (_order.Compare(place, last) < 0)
            {
                yield return _entries[place.Index];
            }
        }
    }

    private void Grow()
    {
        _buckets = new int[_buckets.Length * 2];
        for (int i = 0; i < _entries.Count; i++)
        {
            Insert(_entries[i], i + 1);
        }
    }

    private void Insert(in Entry entry, int position)
    {
        int mask = _buckets.Length - 1;
        int bucket = BucketOf(entry.Keyspace, entry.Hash, mask);
        while (_buckets[bucket] != 0)
        {
            bucket = (bucket + 1) & mask;
        }

        _buckets[bucket] = position;
    }

    private static int BucketOf(uint keyspace, ulong hash, int mask) => (int)(hash + keyspace) & mask;

    /// <summary>An entry's position in key order; the order itself does not depend on the index.</summary>
    private readonly record struct Place(uint Keyspace, ReadOnlyMemory<byte> Key, int Index);

    private sealed class KeyOrder : IComparer<Place>
    {
        public long Comparisons { get; private set; }

        public int Compare(Place x, Place y)
        {
            Comparisons++;
            int order = x.Keyspace.CompareTo(y.Keyspace);
            return order != 0 ? order : x.Key.Span.SequenceCompareTo(y.Key.Span);
        }
    }

    /// <summary>A key's newest state.</summary>
    internal readonly record struct Entry(
        uint Keyspace,
        ReadOnlyMemory<byte> Key,
        ulong Hash,
        KeyState State);
}
