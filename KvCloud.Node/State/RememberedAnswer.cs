using System.Buffers.Binary;
using System.Text;
using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>
/// The answer to one request of a session: <c>format(1) content hash(8) code(4) version(8) message</c>. The output of a
/// versionstamped command is not kept: it follows from the version and the command, which the retry carries.
/// </summary>
internal readonly record struct RememberedAnswer(
    ulong ContentHash, KvStatus Code, CommitVersion Version, string? Message)
{
    private const byte FormatVersion = 1;
    private const int HeaderSizeBytes = 1 + sizeof(ulong) + sizeof(int) + sizeof(long);

    public byte[] Encode()
    {
        byte[] record = new byte[HeaderSizeBytes + (Message is null ? 0 : Encoding.UTF8.GetByteCount(Message))];
        record[0] = FormatVersion;
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(1), ContentHash);
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(9), (int)Code);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(13), Version.Value);
        Encoding.UTF8.GetBytes(Message ?? string.Empty, record.AsSpan(HeaderSizeBytes));
        return record;
    }

    public static RememberedAnswer Decode(ReadOnlySpan<byte> record)
    {
        UnknownFormatException.ThrowIfNewer("remembered answer", record, FormatVersion);
        if (record.Length < HeaderSizeBytes || record[0] != FormatVersion)
        {
            throw new StoreCorruptException("A remembered answer is not of a format this program knows.");
        }

        return new RememberedAnswer(
            BinaryPrimitives.ReadUInt64LittleEndian(record[1..]),
            (KvStatus)BinaryPrimitives.ReadInt32LittleEndian(record[9..]),
            new CommitVersion(BinaryPrimitives.ReadInt64LittleEndian(record[13..])),
            record.Length == HeaderSizeBytes ? null : Encoding.UTF8.GetString(record[HeaderSizeBytes..]));
    }
}
