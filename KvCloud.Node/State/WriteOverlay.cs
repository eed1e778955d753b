using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace KvCloud.Node.State;

/// <summary>
/// The newest state of every key that the batch under way has touched, before the store has it. An open hash table
/// over slices of the batch's own memory: a key costs no allocation. Iteration is in the order of insertion, never
/// of the hashes.
/// </summary>
internal sealed class WriteOverlay
{
    private const int InitialBuckets = 1024;
    private const int LargestKeptBuckets = 1 << 17;

    private readonly List<Entry> _entries = [];

    /// <summary>Index of an entry plus one; 0 is free.</summary>
    private int[] _buckets = new int[InitialBuckets];

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

    public void Replace(int index, in Entry entry) => _entries[index] = entry;

    public void Clear()
    {
        _entries.Clear();
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

    /// <summary>A key's newest state.</summary>
    internal readonly record struct Entry(
        uint Keyspace,
        ReadOnlyMemory<byte> Key,
        ulong Hash,
        KeyState State);
}
