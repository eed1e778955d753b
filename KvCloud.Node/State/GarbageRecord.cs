using System.Buffers.Binary;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

internal enum GarbageKind : byte
{
    /// <summary>A key of the history table.</summary>
    Superseded = 0,

    /// <summary>A key of the current table, with the version of the delete.</summary>
    Tombstone = 1,
}

/// <summary>
/// What one batch made superfluous: <c>format(1)</c>, then <c>kind(1) length(4) physical key [version(8)]</c> each.
/// One record for a whole batch costs a fraction of one for each key. It is stored under the batch's last version
/// and may be collected once nothing older than that can be read.
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

    public void AddSuperseded(ReadOnlySpan<byte> historyKey) => Add(GarbageKind.Superseded, historyKey);

    public void AddTombstone(ReadOnlySpan<byte> currentKey, CommitVersion version)
    {
        Add(GarbageKind.Tombstone, currentKey);
        BinaryPrimitives.WriteInt64LittleEndian(Take(sizeof(long)), version.Value);
    }

    /// <summary>Takes the first item off <paramref name="rest"/>.</summary>
    public static Item ReadItem(ref ReadOnlySpan<byte> rest)
    {
        const int HeaderSize = 1 + sizeof(int);
        int length = rest.Length < HeaderSize ? -1 : BinaryPrimitives.ReadInt32LittleEndian(rest[1..]);
        int trailer = rest.Length > 0 && rest[0] == (byte)GarbageKind.Tombstone ? sizeof(long) : 0;
        if (length < 0 || length > rest.Length - HeaderSize - trailer)
        {
            throw new StoreCorruptException("A garbage record is cut short.");
        }

        var item = new Item(
            (GarbageKind)rest[0],
            rest.Slice(HeaderSize, length),
            trailer == 0
                ? CommitVersion.Zero
                : new CommitVersion(BinaryPrimitives.ReadInt64LittleEndian(rest[(HeaderSize + length)..])));
        rest = rest[(HeaderSize + length + trailer)..];
        return item;
    }

    public static ReadOnlySpan<byte> Open(ReadOnlySpan<byte> record) =>
        record.Length > 0 && record[0] == FormatVersion
            ? record[1..]
            : throw new StoreCorruptException("A garbage record is not of a format this program knows.");

    private void Add(GarbageKind kind, ReadOnlySpan<byte> key)
    {
        Span<byte> item = Take(1 + sizeof(int) + key.Length);
        item[0] = (byte)kind;
        BinaryPrimitives.WriteInt32LittleEndian(item[1..], key.Length);
        key.CopyTo(item[(1 + sizeof(int))..]);
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

    internal readonly ref struct Item(GarbageKind kind, ReadOnlySpan<byte> key, CommitVersion version)
    {
        public GarbageKind Kind { get; } = kind;

        public ReadOnlySpan<byte> Key { get; } = key;

        public CommitVersion Version { get; } = version;
    }
}
