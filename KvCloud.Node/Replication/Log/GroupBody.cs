using System.Buffers.Binary;
using KvCloud.Consensus;

namespace KvCloud.Node.Replication.Log;

/// <summary>The kind of a record in a group.</summary>
internal enum RecordKind : byte
{
    /// <summary>A promised ballot.</summary>
    Promise = 1,

    /// <summary>A slot, the length of its <see cref="LogRecord"/>, and the record itself.</summary>
    Entry = 2,

    /// <summary>All slots up to this one are chosen.</summary>
    Chosen = 3,

    /// <summary>The lowest slot still held.</summary>
    First = 4,

    /// <summary>The number of the lowest segment that must exist; 0 if unknown.</summary>
    OldestSegment = 5,
}

/// <summary>One record of a group.</summary>
/// <param name="Entry">The slot's <see cref="LogRecord"/>; only for <see cref="RecordKind.Entry"/>.</param>
internal readonly ref struct GroupRecord(RecordKind kind, Slot slot, Ballot ballot, ReadOnlySpan<byte> entry)
{
    public RecordKind Kind => kind;

    /// <summary>
    /// The slot of any record but a promise; for <see cref="RecordKind.OldestSegment"/> the segment's number.
    /// </summary>
    public Slot Slot => slot;

    /// <summary>Only for <see cref="RecordKind.Promise"/>.</summary>
    public Ballot Ballot => ballot;

    public ReadOnlySpan<byte> Entry { get; } = entry;
}

/// <summary>
/// The records of one group, one after the other, in the form in which they are written. The memory is reused.
/// </summary>
internal sealed class GroupBody
{
    private const int InitialSizeBytes = 16 * 1024;
    private const int LargestKeptBytes = 4 * 1024 * 1024;
    private const int NumberSizeBytes = 1 + sizeof(long);
    private const int EntryHeaderSizeBytes = NumberSizeBytes + sizeof(int);

    private byte[] _bytes = new byte[InitialSizeBytes];
    private int _length;

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    public void Clear()
    {
        _length = 0;
        if (_bytes.Length > LargestKeptBytes)
        {
            _bytes = new byte[InitialSizeBytes];
        }
    }

    public void AddPromise(Ballot ballot)
    {
        Span<byte> record = Take(1 + LogRecord.BallotSizeBytes);
        record[0] = (byte)RecordKind.Promise;
        LogRecord.WriteBallot(record[1..], ballot);
    }

    public void AddChosen(Slot slot) => AddNumber(RecordKind.Chosen, slot.Value);

    public void AddFirst(Slot slot) => AddNumber(RecordKind.First, slot.Value);

    public void AddOldestSegment(long number) => AddNumber(RecordKind.OldestSegment, number);

    public void AddEntry(LogEntry entry)
    {
        int length = LogRecord.SizeOf(entry);
        Span<byte> record = Take(EntryHeaderSizeBytes + length);
        record[0] = (byte)RecordKind.Entry;
        BinaryPrimitives.WriteInt64LittleEndian(record[1..], entry.Slot.Value);
        BinaryPrimitives.WriteInt32LittleEndian(record[NumberSizeBytes..], length);
        LogRecord.Write(record[EntryHeaderSizeBytes..], entry);
    }

    /// <summary>Reads the next record and advances the body past it.</summary>
    /// <exception cref="LogCorruptException">It is not a record that this program writes.</exception>
    public static GroupRecord TakeRecord(ref ReadOnlySpan<byte> body)
    {
        var kind = (RecordKind)body[0];
        int size = kind switch
        {
            RecordKind.Promise => 1 + LogRecord.BallotSizeBytes,
            RecordKind.Chosen or RecordKind.First or RecordKind.OldestSegment => NumberSizeBytes,
            RecordKind.Entry => EntryHeaderSizeBytes,
            _ => throw new LogCorruptException(
                $"a record of the log has kind {body[0]}, which this program does not know"),
        };
        CheckLength(body, size);
        if (kind == RecordKind.Promise)
        {
            Ballot ballot = LogRecord.ReadBallot(body[1..]);
            body = body[size..];
            return new GroupRecord(kind, Slot.Zero, ballot, default);
        }

        var slot = new Slot(BinaryPrimitives.ReadInt64LittleEndian(body[1..]));
        ReadOnlySpan<byte> entry = default;
        if (kind == RecordKind.Entry)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(body[NumberSizeBytes..]);
            CheckLength(body[size..], length);
            entry = body.Slice(size, length);
            size += length;
        }

        body = body[size..];
        return new GroupRecord(kind, slot, Ballot.Zero, entry);
    }

    private static void CheckLength(ReadOnlySpan<byte> body, int length)
    {
        if (length < 0 || length > body.Length)
        {
            throw new LogCorruptException($"a record of the log needs {length} bytes, but only {body.Length} are left");
        }
    }

    private void AddNumber(RecordKind kind, long number)
    {
        Span<byte> record = Take(NumberSizeBytes);
        record[0] = (byte)kind;
        BinaryPrimitives.WriteInt64LittleEndian(record[1..], number);
    }

    private Span<byte> Take(int size)
    {
        if (_bytes.Length - _length < size)
        {
            Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, checked(_length + size)));
        }

        _length += size;
        return _bytes.AsSpan(_length - size, size);
    }
}
