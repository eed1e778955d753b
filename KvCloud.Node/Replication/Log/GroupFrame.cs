using System.Buffers.Binary;
using System.IO.Hashing;

namespace KvCloud.Node.Replication.Log;

/// <summary>What is found where a group is expected.</summary>
internal enum GroupState
{
    /// <summary>The group as it was written.</summary>
    Whole = 0,

    /// <summary>
    /// The group is missing or incomplete: its write never finished, or the sectors hold older content.
    /// </summary>
    Unfinished = 1,

    /// <summary>The group was written completely, and its content has changed since.</summary>
    Damaged = 2,
}

/// <summary>
/// A group on disk: the result of one log write, in whole sectors that each carry a stamp. A disk writes a sector whole
/// or not at all, but the sectors of one write in any order. A write cut off by a crash therefore lacks stamps, while a
/// group that has all its stamps but fails its checksum was damaged later. In a file whose old content is overwritten,
/// nothing else distinguishes the two.
/// </summary>
/// <remarks>
/// Sector: 500 bytes of data, the group's sequence(8), a check of the sequence(4). Data of a group: length of the
/// body(4), a check of the length(4), a checksum of the body(8), the body, zeros. Little-endian.
/// </remarks>
internal static class GroupFrame
{
    public const int SectorSizeBytes = 512;

    private const int StampSizeBytes = sizeof(long) + sizeof(uint);
    private const int DataSizeBytes = SectorSizeBytes - StampSizeBytes;
    private const int HeaderSizeBytes = (2 * sizeof(uint)) + sizeof(ulong);

    /// <summary>Size on disk of a group with a body of this many bytes.</summary>
    public static int SizeOf(int bodyBytes) =>
        (HeaderSizeBytes + bodyBytes + DataSizeBytes - 1) / DataSizeBytes * SectorSizeBytes;

    /// <param name="destination">Exactly the size of the group.</param>
    /// <param name="sequence">Starts at 1 and grows by one per group, across all files.</param>
    public static void Write(Span<byte> destination, long sequence, ReadOnlySpan<byte> body)
    {
        WriteHeader(destination, sequence, body.Length);
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

    /// <summary>The length of the body, and its check.</summary>
    public static void WriteHeader(Span<byte> destination, long sequence, int bodyBytes)
    {
        BinaryPrimitives.WriteInt32LittleEndian(destination, bodyBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], CheckOf(sequence, bodyBytes));
    }

    /// <summary>Reads the group with this sequence, which should begin here.</summary>
    /// <param name="source">The rest of the file from the group's first byte.</param>
    /// <param name="body">Receives the body of a whole group; may be replaced by a larger array.</param>
    /// <param name="bodyBytes">The length of the body.</param>
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

        if (length > source.Length)
        {
            return GroupState.Unfinished;
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

    /// <summary>The sequence of the group that the sector belongs to; 0 if it was never part of one.</summary>
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
