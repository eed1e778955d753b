using System.Buffers.Binary;
using System.IO.Hashing;

namespace KvCloud.Node.Replication.Log;

/// <summary>What lies at a place where a group is expected.</summary>
internal enum GroupState
{
    /// <summary>The group, as it was written.</summary>
    Whole = 0,

    /// <summary>
    /// It is not there, or not all of it: its write was never finished, or something else was written there before.
    /// </summary>
    Unfinished = 1,

    /// <summary>All of it was written once, and it is not what was written.</summary>
    Damaged = 2,
}

/// <summary>
/// A group on disk: what one write of the log wrote, whole sectors with a stamp each. A disk writes a sector whole or
/// not at all, but the sectors of one write in any order; so a write that a crash cut off lacks stamps, and one that
/// has them all but fails its checksum was damaged later. Nothing else tells the two apart in a file whose old content
/// is written over.
/// </summary>
/// <remarks>
/// Sector: 500 bytes of data, the group's sequence(8), a check of it(4). The data of a group: length of the body(4), a
/// check of it(4), a checksum of the body(8), the body, zeros. Little-endian.
/// </remarks>
internal static class GroupFrame
{
    public const int SectorSizeBytes = 512;

    private const int StampSizeBytes = sizeof(long) + sizeof(uint);
    private const int DataSizeBytes = SectorSizeBytes - StampSizeBytes;
    private const int HeaderSizeBytes = (2 * sizeof(uint)) + sizeof(ulong);

    /// <summary>Bytes on disk of a group with such a body.</summary>
    public static int SizeOf(int bodyBytes) =>
        (HeaderSizeBytes + bodyBytes + DataSizeBytes - 1) / DataSizeBytes * SectorSizeBytes;

    /// <param name="destination">Of exactly the group's size.</param>
    /// <param name="sequence">From 1, growing by one from group to group, over all files.</param>
    public static void Write(Span<byte> destination, long sequence, ReadOnlySpan<byte> body)
    {
        BinaryPrimitives.WriteInt32LittleEndian(destination, body.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], CheckOf(sequence, body.Length));
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], XxHash3.HashToUInt64(body, sequence));
        int used = HeaderSizeBytes;
        for (int start = 0; start < destination.Length; start += SectorSizeBytes)
        {
            Span<byte> sector = destination.Slice(start, SectorSizeBytes);
            ReadOnlySpan<byte> part = body[..Math.Min(body.Length, DataSizeBytes - used)];
            part.CopyTo(sector[used..]);
            sector[(used + part.Length)..DataSizeBytes].Clear();
            body = body[part.Length..];
            used = 0;
            BinaryPrimitives.WriteInt64LittleEndian(sector[DataSizeBytes..], sequence);
            BinaryPrimitives.WriteUInt32LittleEndian(sector[(DataSizeBytes + sizeof(long))..], CheckOf(sequence, 0));
        }
    }

    /// <summary>Reads the group with this sequence that should begin here.</summary>
    /// <param name="source">From the group's first byte as far as the file goes.</param>
    /// <param name="body">Takes the body of a whole group; its own memory, which may grow.</param>
    /// <param name="bodyBytes">How much of it is the body.</param>
    public static GroupState Read(ReadOnlySpan<byte> source, long sequence, ref byte[] body, out int bodyBytes)
    {
        bodyBytes = 0;
        if (SequenceAt(source) != sequence)
        {
            return GroupState.Unfinished;
        }

        int length = BinaryPrimitives.ReadInt32LittleEndian(source);
        if (length < 0 || BinaryPrimitives.ReadUInt32LittleEndian(source[4..]) != CheckOf(sequence, length))
        {
            return GroupState.Damaged;
        }

        int size = SizeOf(length);
        for (int start = 0; start < size; start += SectorSizeBytes)
        {
            if (start >= source.Length || SequenceAt(source[start..]) != sequence)
            {
                return GroupState.Unfinished;
            }
        }

        if (body.Length < length)
        {
            body = new byte[Math.Max(length, 2 * body.Length)];
        }

        ulong checksum = BinaryPrimitives.ReadUInt64LittleEndian(source[8..]);
        int used = HeaderSizeBytes;
        for (int start = 0; start < size; start += SectorSizeBytes)
        {
            ReadOnlySpan<byte> part = source[(start + used)..(start + DataSizeBytes)];
            part = part[..Math.Min(part.Length, length - bodyBytes)];
            part.CopyTo(body.AsSpan(bodyBytes));
            bodyBytes += part.Length;
            used = 0;
        }

        return XxHash3.HashToUInt64(body.AsSpan(0, length), sequence) == checksum
            ? GroupState.Whole
            : GroupState.Damaged;
    }

    /// <summary>The sequence of the group to which the sector belongs; 0 if it was never part of one.</summary>
    public static long SequenceAt(ReadOnlySpan<byte> sector)
    {
        if (sector.Length < SectorSizeBytes)
        {
            return 0;
        }

        long sequence = BinaryPrimitives.ReadInt64LittleEndian(sector[DataSizeBytes..]);
        uint check = BinaryPrimitives.ReadUInt32LittleEndian(sector[(DataSizeBytes + sizeof(long))..]);
        return sequence > 0 && check == CheckOf(sequence, 0) ? sequence : 0;
    }

    private static uint CheckOf(long sequence, int length)
    {
        ulong mixed = ((ulong)sequence + 1) * 0x9E37_79B9_7F4A_7C15;
        mixed = (mixed ^ (mixed >> 29) ^ ((ulong)length << 7)) * 0xBF58_476D_1CE4_E5B9;
        return (uint)(mixed >> 32);
    }
}
