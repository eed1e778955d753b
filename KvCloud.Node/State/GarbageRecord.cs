using System.Buffers.Binary;
using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>
/// The keys that one batch deleted and whose tombstones remain so that transactions can detect the delete:
/// <c>format(1)</c>, then <c>length(4) physical key version(8)</c> each. One record per batch costs a fraction of one
/// per key. It is stored under the batch's last version and may be collected once no older version can be read.
/// </summary>
internal sealed class GarbageRecord
{
    private const byte FormatVersion = 1;

    private byte[] _buffer = [FormatVersion];
    private int _length = 1;

    public bool IsEmpty => _length == 1;

    public ReadOnlySpan<byte> Record => _buffer.AsSpan(0, _length);

    public void Clear()
    {
        const int LargestKept = 1024 * 1024;
        _length = 1;
        if (_buffer.Length > LargestKept)
        {
            _buffer = [FormatVersion];
        }
    }

    public void AddTombstone(ReadOnlySpan<byte> physicalKey, CommitVersion version)
    {
        Span<byte> item = Take(sizeof(int) + physicalKey.Length + sizeof(long));
        BinaryPrimitives.WriteInt32LittleEndian(item, physicalKey.Length);
        physicalKey.CopyTo(item[sizeof(int)..]);
        BinaryPrimitives.WriteInt64LittleEndian(item[^sizeof(long)..], version.Value);
    }

    /// <summary>Reads the next item and advances <paramref name="rest"/> past it.</summary>
    public static Tombstone ReadItem(ref ReadOnlySpan<byte> rest)
    {
        int length = rest.Length < sizeof(int) ? -1 : BinaryPrimitives.ReadInt32LittleEndian(rest);
        if (length < 0 || length > rest.Length - sizeof(int) - sizeof(long))
        {
            throw new StoreCorruptException("A garbage record is cut short.");
        }

        int end = sizeof(int) + length;
        var item = new Tombstone(
            rest[sizeof(int)..end], new CommitVersion(BinaryPrimitives.ReadInt64LittleEndian(rest[end..])));
        rest = rest[(end + sizeof(long))..];
        return item;
    }

    public static ReadOnlySpan<byte> Open(ReadOnlySpan<byte> record)
    {
        UnknownFormatException.ThrowIfNewer("garbage record", record, FormatVersion);
        return record.Length > 0 && record[0] == FormatVersion
            ? record[1..]
            : throw new StoreCorruptException("A garbage record is not of a format this program knows.");
    }

    private Span<byte> Take(int size)
    {
        if (_length + size > _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Max(_length + size, Math.Max(1024, _buffer.Length * 2)));
        }

        Span<byte> taken = _buffer.AsSpan(_length, size);
        _length += size;
        return taken;
    }

    internal readonly ref struct Tombstone(ReadOnlySpan<byte> key, CommitVersion version)
    {
        public ReadOnlySpan<byte> Key { get; } = key;

        public CommitVersion Version { get; } = version;
    }
}
