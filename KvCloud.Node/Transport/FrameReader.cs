using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.Telemetry;

namespace KvCloud.Node.Transport;

/// <summary>
/// Reads fields of the wire format. Refuses anything that no correct encoder writes, with a
/// <see cref="MalformedFrameException"/> that names the field. Never allocates more than the bytes received can
/// justify.
/// </summary>
internal ref struct FrameReader(ReadOnlySpan<byte> source)
{
    private static readonly UTF8Encoding StrictUtf8 = new(
        encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ReadOnlySpan<byte> _source = source;
    private int _position;

    public readonly int Position => _position;

    public readonly int Remaining => _source.Length - _position;

    public byte Byte(string field) => Take(1, field)[0];

    public bool Bool(string field)
    {
        byte value = Byte(field);
        return value <= 1 ? value == 1 : throw new MalformedFrameException($"{field} is {value}, neither 0 nor 1");
    }

    public ushort UInt16(string field) => BinaryPrimitives.ReadUInt16LittleEndian(Take(2, field));

    public int Int32(string field) => BinaryPrimitives.ReadInt32LittleEndian(Take(4, field));

    public long Int64(string field) => BinaryPrimitives.ReadInt64LittleEndian(Take(8, field));

    public ulong UInt64(string field) => BinaryPrimitives.ReadUInt64LittleEndian(Take(8, field));

    public long NotNegative(string field)
    {
        long value = Int64(field);
        return value >= 0 ? value : throw new MalformedFrameException($"{field} is negative: {value}");
    }

    public NodeId Node(string field)
    {
        int value = Int32(field);
        return value >= 0 ? new NodeId(value) : throw new MalformedFrameException($"{field} is negative: {value}");
    }

    public Slot Slot(string field) => new(NotNegative(field));

    public Ballot Ballot(string field)
    {
        long round = NotNegative(field);
        int node = Int32(field);

        // Node -1 owns the ballot that is lower than all others.
        return node >= -1
            ? new Ballot(round, new NodeId(node))
            : throw new MalformedFrameException($"{field} belongs to node {node}");
    }

    public ActivityContext Trace(string field) => TraceParent.Read(Take(TraceParent.SizeBytes, field));

    /// <summary>The number of elements that follow, each at least <paramref name="elementBytes"/> long.</summary>
    public int Count(int elementBytes, string field)
    {
        int count = Int32(field);
        return count >= 0 && count <= Remaining / elementBytes
            ? count
            : throw new MalformedFrameException(
                $"{field}: a count of {count} does not fit into the {Remaining} bytes that follow");
    }

    public ReadOnlySpan<byte> Take(int count, string field)
    {
        if (count < 0 || count > Remaining)
        {
            throw new MalformedFrameException($"{field}: {count} bytes are needed, but only {Remaining} are left");
        }

        ReadOnlySpan<byte> bytes = _source.Slice(_position, count);
        _position += count;
        return bytes;
    }

    public string Text(int maxBytes, string field)
    {
        int length = UInt16(field);
        if (length > maxBytes)
        {
            throw new MalformedFrameException($"{field} has {length} bytes, more than {maxBytes}");
        }

        try
        {
            return StrictUtf8.GetString(Take(length, field));
        }
        catch (ArgumentException)
        {
            throw new MalformedFrameException($"{field} is not UTF-8");
        }
    }

    public readonly void End()
    {
        if (Remaining != 0)
        {
            throw new MalformedFrameException($"{Remaining} bytes are left over");
        }
    }
}
