using System.Buffers.Binary;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Storage;

/// <summary>
/// A version of a key as stored in the versions table: <c>flags(1) commit version(8, big-endian) value</c>. A deleted
/// key keeps a record, the tombstone, as long as a transaction may need to know when it was deleted.
/// </summary>
internal readonly ref struct VersionedValue
{
    /// <summary>Size of a record beyond its value.</summary>
    public const int HeaderSizeBytes = 1 + sizeof(long);

    private const byte TombstoneFlag = 1;

    private VersionedValue(bool isTombstone, CommitVersion version, ReadOnlySpan<byte> value)
    {
        IsTombstone = isTombstone;
        Version = version;
        Value = value;
    }

    /// <summary>The key was deleted at this version.</summary>
    public bool IsTombstone { get; }

    public CommitVersion Version { get; }

    public ReadOnlySpan<byte> Value { get; }

    public static VersionedValue Parse(ReadOnlySpan<byte> record)
    {
        if (record.Length < HeaderSizeBytes || record[0] > TombstoneFlag)
        {
            throw new StoreCorruptException(
                $"A version record of {record.Length} bytes is not of a format this program knows.");
        }

        return new VersionedValue(
            record[0] == TombstoneFlag,
            new CommitVersion(BinaryPrimitives.ReadInt64BigEndian(record[1..])),
            record[HeaderSizeBytes..]);
    }

    /// <summary>
    /// Writes the record; the destination must have room for the value and <see cref="HeaderSizeBytes"/>.
    /// </summary>
    public static ReadOnlySpan<byte> Write(
        Span<byte> destination, bool isTombstone, CommitVersion version, ReadOnlySpan<byte> value)
    {
        destination[0] = isTombstone ? TombstoneFlag : (byte)0;
        BinaryPrimitives.WriteInt64BigEndian(destination[1..], version.Value);
        value.CopyTo(destination[HeaderSizeBytes..]);
        return destination[..(HeaderSizeBytes + value.Length)];
    }
}
