using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Log;

namespace KvCloud.Node.Replication.Backup;

/// <summary>Consecutive chosen slots as a backup archives them: self-describing, with a checksum.</summary>
/// <param name="ClusterId">The cluster whose log it is from.</param>
/// <param name="AppliedVersion">An upper bound of the commit versions up to the end of the block.</param>
/// <param name="Entries">Consecutive slots, at least one.</param>
/// <remarks>
/// Encoded as <c>magic(8) format(4) cluster first slot(8) applied version(8) count(4)</c>, each slot as
/// <c>length(4) record</c> as in the log (<see cref="LogRecord"/>), and a checksum(16) over all of it; texts as
/// <c>length(4) bytes</c>. Little-endian.
/// </remarks>
internal sealed record LogBlock(string ClusterId, CommitVersion AppliedVersion, IReadOnlyList<LogEntry> Entries)
{
    private const int FormatVersion = 1;
    private const int ChecksumSizeBytes = 16;

    private static readonly UTF8Encoding StrictUtf8 = new(
        encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public Slot First => Entries[0].Slot;

    public Slot Last => Entries[^1].Slot;

    /// <summary>The time at which its first batch of writes was proposed; null if it has none.</summary>
    public long? FirstUnixMs => Entries.Select(UnixMsOf).FirstOrDefault(time => time is not null);

    /// <summary>The time at which its last batch of writes was proposed; null if it has none.</summary>
    public long? LastUnixMs => Entries.Select(UnixMsOf).LastOrDefault(time => time is not null);

    private static ReadOnlySpan<byte> Magic => "KvLogBlk"u8;

    /// <summary>The time at which the slot's writes were proposed, by the leader's clock; null for none.</summary>
    public static long? UnixMsOf(LogEntry entry) =>
        entry.Value.Kind == ValueKind.Commands
            && CommandBatch.TryOpen(entry.Value.Payload, out CommandBatch batch, out _)
            ? batch.Header.UnixMs
            : null;

    public byte[] Encode()
    {
        byte[] cluster = StrictUtf8.GetBytes(ClusterId);
        int size = Magic.Length + (3 * sizeof(int)) + cluster.Length + (2 * sizeof(long)) + ChecksumSizeBytes
            + Entries.Sum(entry => sizeof(int) + LogRecord.SizeOf(entry));
        byte[] encoding = new byte[size];
        Span<byte> rest = encoding;
        Magic.CopyTo(rest);
        rest = rest[Magic.Length..];
        WriteInt(ref rest, FormatVersion);
        WriteInt(ref rest, cluster.Length);
        cluster.CopyTo(rest);
        rest = rest[cluster.Length..];
        WriteLong(ref rest, First.Value);
        WriteLong(ref rest, AppliedVersion.Value);
        WriteInt(ref rest, Entries.Count);
        foreach (LogEntry entry in Entries)
        {
            int length = LogRecord.SizeOf(entry);
            WriteInt(ref rest, length);
            LogRecord.Write(rest[..length], entry);
            rest = rest[length..];
        }

        XxHash128.Hash(encoding.AsSpan(0, size - ChecksumSizeBytes), rest);
        return encoding;
    }

    /// <exception cref="InvalidDataException">The bytes were not made by <see cref="Encode"/>.</exception>
    public static LogBlock Decode(ReadOnlySpan<byte> encoding)
    {
        int body = encoding.Length - ChecksumSizeBytes;
        if (body < Magic.Length + sizeof(int) || !encoding.StartsWith(Magic))
        {
            throw new InvalidDataException("it is not a block of the log");
        }

        if (!XxHash128.Hash(encoding[..body]).AsSpan().SequenceEqual(encoding[body..]))
        {
            throw new InvalidDataException("it fails its checksum");
        }

        ReadOnlySpan<byte> rest = encoding[Magic.Length..body];
        int format = ReadInt(ref rest);
        if (format != FormatVersion)
        {
            throw new InvalidDataException($"it has format {format}; this program knows {FormatVersion}");
        }

        string cluster = StrictUtf8.GetString(Take(ref rest, ReadInt(ref rest)));
        var slot = new Slot(ReadLong(ref rest));
        var applied = new CommitVersion(ReadLong(ref rest));
        int count = ReadInt(ref rest);
        var entries = new List<LogEntry>();
        for (int i = 0; i < count; i++)
        {
            entries.Add(ReadEntry(slot, Take(ref rest, ReadInt(ref rest))));
            slot = slot.Next;
        }

        return entries.Count > 0 && rest.IsEmpty
            ? new LogBlock(cluster, applied, entries)
            : throw new InvalidDataException("it has no slot, or bytes after its last slot");
    }

    private static LogEntry ReadEntry(Slot slot, ReadOnlySpan<byte> record)
    {
        try
        {
            return LogRecord.Read(slot, record);
        }
        catch (LogCorruptException exception)
        {
            throw new InvalidDataException(exception.Message, exception);
        }
    }

    private static void WriteInt(ref Span<byte> rest, int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(rest, value);
        rest = rest[sizeof(int)..];
    }

    private static void WriteLong(ref Span<byte> rest, long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(rest, value);
        rest = rest[sizeof(long)..];
    }

    private static int ReadInt(ref ReadOnlySpan<byte> rest) =>
        BinaryPrimitives.ReadInt32LittleEndian(Take(ref rest, sizeof(int)));

    private static long ReadLong(ref ReadOnlySpan<byte> rest) =>
        BinaryPrimitives.ReadInt64LittleEndian(Take(ref rest, sizeof(long)));

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> rest, int count)
    {
        if (count < 0 || count > rest.Length)
        {
            throw new InvalidDataException("it is cut short");
        }

        ReadOnlySpan<byte> taken = rest[..count];
        rest = rest[count..];
        return taken;
    }
}
