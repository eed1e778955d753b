using System.Buffers.Binary;
using System.IO.Hashing;
using KvCloud.Consensus;

namespace KvCloud.Node.Replication;

/// <summary>
/// How the log writes an entry and its own memory. Little-endian, a version first, an XxHash3 last, which also covers the
/// slot, so that a record under a wrong key is noticed.
/// <code>
/// entry: version(1) accepted round(8) node(4) origin round(8) node(4) kind(1) payload(…) hash(8)
/// meta:  version(1) promised round(8) node(4) chosen slot(8) first slot(8) hash(8)
/// </code>
/// </summary>
internal static class LogRecord
{
    public const int MetaBytes = 1 + 8 + 4 + 8 + 8 + HashBytes;

    private const byte Version = 1;
    private const int HashBytes = 8;
    private const int EntryHeaderBytes = 1 + 8 + 4 + 8 + 4 + 1;

    public readonly record struct Meta(Ballot Promised, Slot Chosen, Slot First);

    public static int SizeBytesOf(LogEntry entry) => EntryHeaderBytes + entry.Value.Payload.Length + HashBytes;

    public static void Write(LogEntry entry, Span<byte> to)
    {
        to[0] = Version;
        WriteBallot(to[1..], entry.Accepted);
        WriteBallot(to[13..], entry.Value.Origin);
        to[25] = (byte)entry.Value.Kind;
        entry.Value.Payload.Span.CopyTo(to[EntryHeaderBytes..]);
        int end = EntryHeaderBytes + entry.Value.Payload.Length;
        BinaryPrimitives.WriteUInt64LittleEndian(to[end..], Hash(to[..end], entry.Slot.Value));
    }

    /// <exception cref="LogCorruptException">The record is not what was written for this slot.</exception>
    public static LogEntry ReadEntry(Slot slot, ReadOnlySpan<byte> from)
    {
        int end = from.Length - HashBytes;
        if (end < EntryHeaderBytes
            || BinaryPrimitives.ReadUInt64LittleEndian(from[end..]) != Hash(from[..end], slot.Value))
        {
            throw new LogCorruptException($"the log's record of slot {slot} is damaged: its checksum is wrong");
        }

        RequireVersion(from[0], $"slot {slot}");
        var value = new Value(ReadBallot(from[13..]), (ValueKind)from[25], from[EntryHeaderBytes..end].ToArray());
        return new LogEntry(slot, ReadBallot(from[1..]), value);
    }

    public static void Write(in Meta meta, Span<byte> to)
    {
        to[0] = Version;
        WriteBallot(to[1..], meta.Promised);
        BinaryPrimitives.WriteInt64LittleEndian(to[13..], meta.Chosen.Value);
        BinaryPrimitives.WriteInt64LittleEndian(to[21..], meta.First.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(to[29..], Hash(to[..29], slot: 0));
    }

    /// <exception cref="LogCorruptException">The record is not what was written.</exception>
    public static Meta ReadMeta(ReadOnlySpan<byte> from)
    {
        if (from.Length != MetaBytes || BinaryPrimitives.ReadUInt64LittleEndian(from[29..]) != Hash(from[..29], slot: 0))
        {
            throw new LogCorruptException("the log's record of promise and chosen slot is damaged: its checksum is wrong");
        }

        RequireVersion(from[0], "promise and chosen slot");
        return new Meta(
            ReadBallot(from[1..]),
            new Slot(BinaryPrimitives.ReadInt64LittleEndian(from[13..])),
            new Slot(BinaryPrimitives.ReadInt64LittleEndian(from[21..])));
    }

    private static void RequireVersion(byte version, string record)
    {
        if (version != Version)
        {
            throw new LogCorruptException(
                $"the log's record of {record} has format {version}; this program knows only {Version}");
        }
    }

    private static void WriteBallot(Span<byte> to, Ballot ballot)
    {
        BinaryPrimitives.WriteInt64LittleEndian(to, ballot.Round);
        BinaryPrimitives.WriteInt32LittleEndian(to[8..], ballot.Node.Value);
    }

    private static Ballot ReadBallot(ReadOnlySpan<byte> from) => new(
        BinaryPrimitives.ReadInt64LittleEndian(from), new NodeId(BinaryPrimitives.ReadInt32LittleEndian(from[8..])));

    private static ulong Hash(ReadOnlySpan<byte> bytes, long slot) => XxHash3.HashToUInt64(bytes, seed: slot);
}
