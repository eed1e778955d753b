using System.Buffers.Binary;

namespace KvCloud.Node.Operations;

/// <summary>Collects encoded commands into the payload of one slot. Reusable; not thread-safe.</summary>
internal sealed class CommandBatchWriter(int initialCapacityBytes = 64 * 1024)
{
    private byte[] _buffer = new byte[Math.Max(initialCapacityBytes, CommandBatch.HeaderSizeBytes)];
    private int _length = CommandBatch.HeaderSizeBytes;

    public int Count { get; private set; }

    /// <summary>Size of the payload as collected so far.</summary>
    public int SizeBytes => _length;

    public static int SizeBytesOf(ReadOnlySpan<byte> command) => ByteWriter.BytesSize(command.Length);

    public void Clear()
    {
        Count = 0;
        _length = CommandBatch.HeaderSizeBytes;
    }

    public void Add(ReadOnlySpan<byte> command)
    {
        int needed = checked(_length + SizeBytesOf(command));
        if (needed > _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Max(needed, _buffer.Length * 2));
        }

        var writer = new ByteWriter(_buffer.AsSpan(_length));
        writer.WriteBytes(command);
        _length += writer.Position;
        Count++;
    }

    /// <summary>Returns the payload as a new array that nobody modifies, and clears the writer.</summary>
    public byte[] Build(long unixMs, MvccRetention retention)
    {
        Span<byte> header = _buffer;
        header[0] = CommandBatch.FormatVersion;
        BinaryPrimitives.WriteInt64LittleEndian(header[1..], unixMs);
        BinaryPrimitives.WriteInt64LittleEndian(header[9..], retention.TimeMs);
        BinaryPrimitives.WriteInt64LittleEndian(header[17..], retention.Versions);
        BinaryPrimitives.WriteInt32LittleEndian(header[25..], Count);
        byte[] payload = GC.AllocateUninitializedArray<byte>(_length);
        _buffer.AsSpan(0, _length).CopyTo(payload);
        Clear();
        return payload;
    }
}
