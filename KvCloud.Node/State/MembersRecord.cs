using System.Buffers.Binary;
using System.IO.Hashing;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>
/// Who the members of the group are, as the last slot that changed them made it: one record of the meta table. There is
/// none before the first change.
/// </summary>
/// <remarks>format(1) slot(8) the slot's value checksum(8), little-endian.</remarks>
internal static class MembersRecord
{
    private const byte FormatVersion = 1;
    private const int HeaderSize = 1 + sizeof(long);

    public static ReadOnlySpan<byte> Key => "members"u8;

    public static byte[] Write(Slot slot, ReadOnlySpan<byte> payload)
    {
        byte[] record = new byte[HeaderSize + payload.Length + sizeof(ulong)];
        record[0] = FormatVersion;
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(1), slot.Value);
        payload.CopyTo(record.AsSpan(HeaderSize));
        int body = HeaderSize + payload.Length;
        BinaryPrimitives.WriteUInt64LittleEndian(
            record.AsSpan(body), XxHash3.HashToUInt64(record.AsSpan(0, body)));
        return record;
    }

    public static GroupMembers Read(ReadOnlySpan<byte> record)
    {
        int body = record.Length - sizeof(ulong);
        bool isWhole = body >= HeaderSize
            && BinaryPrimitives.ReadUInt64LittleEndian(record[body..]) == XxHash3.HashToUInt64(record[..body]);
        if (isWhole)
        {
            UnknownFormatException.ThrowIfNewer("members record", record, FormatVersion);
        }

        if (!isWhole || record[0] != FormatVersion)
        {
            throw new StoreCorruptException("The record of the members is damaged.");
        }

        try
        {
            return GroupMembers.Decode(
                new Slot(BinaryPrimitives.ReadInt64LittleEndian(record[1..])), record[HeaderSize..body]);
        }
        catch (InvariantViolationException broken)
        {
            throw new StoreCorruptException($"The record of the members makes no sense: {broken.Message}");
        }
    }
}
