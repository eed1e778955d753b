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

    /// <summary>Memory is taken in such pieces, each when it is first needed. An entry lies in one of them.</summary>
    private const int LargestSegmentBytes = 1024 * 1024;

    private readonly byte[]?[] _segments;
    private readonly int _segmentBits;
    private readonly int _ringBytes;

    /// <summary>
    /// By hash, two ways each: the place of an entry in all that was ever added, plus one; 0 is free. Above it some further
    /// bits of the hash, so that the ring, which is rarely in the processor's caches, is looked at only for what is there.
    /// </summary>
    private readonly long[] _index;

    /// <summary>Bytes ever added, the skipped ends of segments included.</summary>
    private long _added;

    /// <param name="sizeBytes">0 for a cache that holds nothing.</param>
    public RecordCache(int sizeBytes)
    {
        _segmentBits = BitOperations.Log2((uint)Math.Min(sizeBytes, LargestSegmentBytes));
        _segments = new byte[]?[sizeBytes >> _segmentBits];
        _ringBytes = _segments.Length << _segmentBits;
        _index = sizeBytes == 0
            ? []
            : new long[BitOperations.RoundUpToPowerOf2((uint)Math.Max(Ways, Ways * (sizeBytes / SmallEntrySizeBytes)))];
    }

    private int SegmentBytes => 1 << _segmentBits;

    public bool TryGet(ulong hash, ReadOnlySpan<byte> key, out ReadOnlySpan<byte> record)
    {
        record = default;
        if (_ringBytes == 0)
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
        if (_ringBytes == 0)
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

        if (size > _ringBytes / LargestEntryPart)
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
        if (_added > PlaceMask - (2L * _ringBytes))
        {
            // Places begin anew, and none of the old ones may be taken for one of them.
            Array.Clear(_index);
            _added = 0;
        }

        int room = SegmentBytes - (int)(_added & (SegmentBytes - 1));
        if (size > room)
        {
            _added += room;
        }

        int start = (int)(_added % _ringBytes);
        _segments[start >> _segmentBits] ??= GC.AllocateUninitializedArray<byte>(SegmentBytes);
        Span<byte> entry = EntryAt(start)[..size];
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
        if (place < 0 || (indexed & ~PlaceMask) != TagOf(hash) || _added - place > _ringBytes)
        {
            // Free, of another key, or written over since.
            return -1;
        }

        int start = (int)(place % _ringBytes);
        ReadOnlySpan<byte> entry = EntryAt(start);
        return BinaryPrimitives.ReadInt32LittleEndian(entry) == key.Length
            && entry.Slice(HeaderSizeBytes, key.Length).SequenceEqual(key)
                ? start
                : -1;
    }

    private Span<byte> RecordAt(int start)
    {
        Span<byte> entry = EntryAt(start);
        int keySize = BinaryPrimitives.ReadInt32LittleEndian(entry);
        int recordSize = BinaryPrimitives.ReadInt32LittleEndian(entry[sizeof(int)..]);
        return entry.Slice(HeaderSizeBytes + keySize, recordSize);
    }

    /// <summary>What begins there, to the end of its segment.</summary>
    private Span<byte> EntryAt(int start) => _segments[start >> _segmentBits].AsSpan(start & (SegmentBytes - 1));

    private static long TagOf(ulong hash) => (long)hash & ~PlaceMask;

    private int BucketOf(ulong hash) => (int)(hash & (ulong)(_index.Length - 1)) & ~(Ways - 1);
}
