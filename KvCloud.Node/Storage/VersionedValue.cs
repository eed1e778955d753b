using System.Buffers.Binary;
using KvCloud.Node.State;

namespace KvCloud.Node.Storage;

/// <summary>
/// A version of a key as the current and the history table hold it: <c>flags(1) commit version(8, big-endian) value</c>,
/// with the <see cref="HistoryLink"/> <c>position(1) anchor(8)</c> before the value if there may be an older version.
/// </summary>
internal readonly ref struct VersionedValue
{
    /// <summary>More than anything takes beside the value.</summary>
    public const int MaxOverheadBytes = HeaderSizeBytes + LinkSizeBytes;

    private const int HeaderSizeBytes = 1 + sizeof(long);
    private const int LinkSizeBytes = 1 + sizeof(long);
    private const byte TombstoneFlag = 1;
    private const byte LinkFlag = 2;

    private VersionedValue(bool isTombstone, CommitVersion version, HistoryLink link, ReadOnlySpan<byte> value)
    {
        IsTombstone = isTombstone;
        Version = version;
        Link = link;
        Value = value;
    }

    /// <summary>The key was deleted at this version.</summary>
    public bool IsTombstone { get; }

    public CommitVersion Version { get; }

    public HistoryLink Link { get; }

    public ReadOnlySpan<byte> Value { get; }

    public static VersionedValue Parse(ReadOnlySpan<byte> record)
    {
        bool isLinked = record.Length > 0 && (record[0] & LinkFlag) != 0;
        int headerSize = isLinked ? MaxOverheadBytes : HeaderSizeBytes;
        if (record.Length < headerSize || record[0] > (TombstoneFlag | LinkFlag))
        {
            throw new StoreCorruptException(
                $"A version record of {record.Length} bytes is not of a format this program knows.");
        }

        return new VersionedValue(
            (record[0] & TombstoneFlag) != 0,
            new CommitVersion(BinaryPrimitives.ReadInt64BigEndian(record[1..])),
            isLinked
                ? new HistoryLink(
                    true,
                    record[HeaderSizeBytes],
                    new CommitVersion(BinaryPrimitives.ReadInt64BigEndian(record[(HeaderSizeBytes + 1)..])))
                : HistoryLink.None,
            record[headerSize..]);
    }

    /// <summary>Writes the record; the destination has room for the value and <see cref="MaxOverheadBytes"/>.</summary>
    public static ReadOnlySpan<byte> Write(
        Span<byte> destination, bool isTombstone, CommitVersion version, HistoryLink link, ReadOnlySpan<byte> value)
    {
        destination[0] = (byte)((isTombstone ? TombstoneFlag : 0) | (link.HasOlder ? LinkFlag : 0));
        BinaryPrimitives.WriteInt64BigEndian(destination[1..], version.Value);
        int size = HeaderSizeBytes;
        if (link.HasOlder)
        {
            destination[size] = link.Position;
            BinaryPrimitives.WriteInt64BigEndian(destination[(size + 1)..], link.Anchor.Value);
            size += LinkSizeBytes;
        }

        value.CopyTo(destination[size..]);
        return destination[..(size + value.Length)];
    }
}
