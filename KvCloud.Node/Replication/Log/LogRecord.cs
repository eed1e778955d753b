using System.Buffers.Binary;
using System.IO.Hashing;
using KvCloud.Consensus;

namespace KvCloud.Node.Replication.Log;

/// <summary>
/// A slot's record: <c>format(1) kind(1) accepted ballot(12) origin ballot(12)</c>, the payload, and a checksum(8) over
/// the slot and everything before it, which detects both a changed byte and a record of another slot. Little-endian.
/// </summary>
internal static class LogRecord
{
    public const byte FormatVersion = 1;

    private const int HeaderSizeBytes = 2 + (2 * BallotSizeBytes);

    private const int ChecksumSizeBytes = sizeof(ulong);

    public const int BallotSizeBytes = sizeof(long) + sizeof(int);

    public static int SizeOf(LogEntry entry) => HeaderSizeBytes + entry.Value.Payload.Length + ChecksumSizeBytes;

    /// <param name="destination">Exactly the size of the record.</param>
    public static void Write(Span<byte> destination, LogEntry entry)
    {
        destination[0] = FormatVersion;
        destination[1] = (byte)entry.Value.Kind;
        WriteBallot(destination[2..], entry.Accepted);
        WriteBallot(destination[(2 + BallotSizeBytes)..], entry.Value.Origin);
        entry.Value.Payload.Span.CopyTo(destination[HeaderSizeBytes..]);
        BinaryPrimitives.WriteUInt64LittleEndian(
            destination[^ChecksumSizeBytes..],
            Checksum(entry.Slot, destination[..HeaderSizeBytes], destination[HeaderSizeBytes..^ChecksumSizeBytes]));
    }

    /// <summary>Copies the payload out of the record.</summary>
    /// <exception cref="LogCorruptException">The checksum is wrong, or the format is unknown.</exception>
    public static LogEntry Read(Slot slot, ReadOnlySpan<byte> record)
    {
        if (record.Length < HeaderSizeBytes + ChecksumSizeBytes)
        {
            throw new LogCorruptException($"the record of slot {slot} in the log has only {record.Length} bytes");
        }

        if (record[0] != FormatVersion)
        {
            throw new LogCorruptException(
                $"slot {slot} in the log has format {record[0]}; this program knows {FormatVersion}");
        }

        ReadOnlySpan<byte> header = record[..HeaderSizeBytes];
        ReadOnlySpan<byte> payload = record[HeaderSizeBytes..^ChecksumSizeBytes];
        if (BinaryPrimitives.ReadUInt64LittleEndian(record[^ChecksumSizeBytes..]) != Checksum(slot, header, payload))
        {
            throw new LogCorruptException($"the record of slot {slot} in the log fails its checksum");
        }

        var value = new Value(ReadBallot(header[(2 + BallotSizeBytes)..]), (ValueKind)header[1], payload.ToArray());
        return new LogEntry(slot, ReadBallot(header[2..]), value);
    }

    private static ulong Checksum(Slot slot, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload) =>
        XxHash3.HashToUInt64(payload, (long)XxHash3.HashToUInt64(header, slot.Value));

    public static void WriteBallot(Span<byte> destination, Ballot ballot)
    {
        BinaryPrimitives.WriteInt64LittleEndian(destination, ballot.Round);
        BinaryPrimitives.WriteInt32LittleEndian(destination[sizeof(long)..], ballot.Node.Value);
    }

    public static Ballot ReadBallot(ReadOnlySpan<byte> source) => new(
        BinaryPrimitives.ReadInt64LittleEndian(source),
        new NodeId(BinaryPrimitives.ReadInt32LittleEndian(source[sizeof(long)..])));
}
