using System.Buffers.Binary;
using System.Numerics;

namespace KvCloud.Node.State;

/// <summary>
/// The newest records of keys that were written lately, as the current table holds them. Every write needs the record that it
/// supersedes, and to find it in the store costs more than the write itself. A ring of bytes: the entry that was added
/// first makes room for the next. One thread.
/// </summary>
/// <remarks>An entry is <c>key length(4) record length(4) key record</c> and does not wrap around.</remarks>
internal sealed class RecordCache
{
    private const int HeaderSizeBytes = 2 * sizeof(int);
    private const int Ways = 2;

    /// <summary>Room in the index is for entries of this size; with larger ones it is never full.</summary>
    private const int SmallEntrySizeBytes = 128;

    /// <summary>What takes more than this part of the ring is not worth what it would drive out.</summary>
    private const int LargestEntryPart = 64;

    private const int PlaceBits = 48;
    private const long PlaceMask = (1L << PlaceBits) - 1;

    private readonly byte[] _ring;

    /// <summary>
    /// By hash, two ways each: the place of an entry in all that was ever added, plus one; 0 is free. Above it some further
    /// bits of the hash, so that the ring, which is rarely in the processor's caches, is looked at only for what is there.
    /// </summary>
    private readonly long[] _index;

    /// <summary>Bytes ever added, the skipped ends of the ring included.</summary>
    private long _added;

    /// <param name="sizeBytes">0 for a cache that holds nothing.</param>
    public RecordCache(int sizeBytes)
    {
        _ring = sizeBytes == 0 ? [] : GC.AllocateUninitializedArray<byte>(sizeBytes);
        _index = sizeBytes == 0
            ? []
            : new long[BitOperations.RoundUpToPowerOf2((uint)Math.Max(Ways, Ways * (sizeBytes / SmallEntrySizeBytes)))];
    }

    public bool TryGet(ulong hash, ReadOnlySpan<byte> key, out ReadOnlySpan<byte> record)
    {
        record = default;
        if (_ring.Length == 0)
        {
            return false;
        }

        int bucket = BucketOf(hash);
        for (int way = 0; way < Ways; way++)
        {
            if (Find(bucket + way, hash, key) is int start and >= 0)
            {
                record = RecordAt(start);
                return true;
            }
        }

        return false;
    }

    public void Put(ulong hash, ReadOnlySpan<byte> key, ReadOnlySpan<byte> record)
    {
        int size = HeaderSizeBytes + key.Length + record.Length;
        if (_ring.Length == 0)
        {
            return;
        }

        int bucket = BucketOf(hash);
        for (int way = 0; way < Ways; way++)
        {
            if (Find(bucket + way, hash, key) is int start and >= 0)
            {
                Span<byte> place = RecordAt(start);
                if (place.Length == record.Length)
                {
                    record.CopyTo(place);
                    return;
                }

                _index[bucket + way] = 0;
            }
        }

        if (size > _ring.Length / LargestEntryPart)
        {
            return;
        }

        for (int way = Ways - 1; way > 0; way--)
        {
            _index[bucket + way] = _index[bucket + way - 1];
        }

        _index[bucket] = TagOf(hash) | (Add(size, key, record) + 1);
    }

    private long Add(int size, ReadOnlySpan<byte> key, ReadOnlySpan<byte> record)
    {
        if (_added > PlaceMask - (2L * _ring.Length))
        {
            // Places begin anew, and none of the old ones may be taken for one of them.
            Array.Clear(_index);
            _added = 0;
        }

        int start = (int)(_added % _ring.Length);
        if (start + size > _ring.Length)
        {
            _added += _ring.Length - start;
            start = 0;
        }

        Span<byte> entry = _ring.AsSpan(start, size);
        BinaryPrimitives.WriteInt32LittleEndian(entry, key.Length);
        BinaryPrimitives.WriteInt32LittleEndian(entry[sizeof(int)..], record.Length);
        key.CopyTo(entry[HeaderSizeBytes..]);
        record.CopyTo(entry[(HeaderSizeBytes + key.Length)..]);
        long place = _added;
        _added += size;
        return place;
    }

    /// <summary>Where in the ring the entry lies that this slot of the index names, if it is of this key; else -1.</summary>
    private int Find(int slot, ulong hash, ReadOnlySpan<byte> key)
    {
        long indexed = _index[slot];
        long place = (indexed & PlaceMask) - 1;
        if (place < 0 || (indexed & ~PlaceMask) != TagOf(hash) || _added - place > _ring.Length)
        {
            // Free, of another key, or written over since.
            return -1;
        }

        int start = (int)(place % _ring.Length);
        ReadOnlySpan<byte> entry = _ring.AsSpan(start);
        return BinaryPrimitives.ReadInt32LittleEndian(entry) == key.Length
            && entry.Slice(HeaderSizeBytes, key.Length).SequenceEqual(key)
                ? start
                : -1;
    }

    private Span<byte> RecordAt(int start)
    {
        int keySize = BinaryPrimitives.ReadInt32LittleEndian(_ring.AsSpan(start));
        int recordSize = BinaryPrimitives.ReadInt32LittleEndian(_ring.AsSpan(start + sizeof(int)));
        return _ring.AsSpan(start + HeaderSizeBytes + keySize, recordSize);
    }

    private static long TagOf(ulong hash) => (long)hash & ~PlaceMask;

    private int BucketOf(ulong hash) => (int)(hash & (ulong)(_index.Length - 1)) & ~(Ways - 1);
}
