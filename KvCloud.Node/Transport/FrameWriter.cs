using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.Telemetry;

namespace KvCloud.Node.Transport;

/// <summary>
/// Writes fields of the replicas' own wire format (adr/0002; Thrift's is in Protocol/Wire), little-endian, one after
/// the other into a span that is known to be large enough.
/// </summary>
internal ref struct FrameWriter(Span<byte> destination)
{
    private readonly Span<byte> _destination = destination;
    private int _position;

    public readonly int Position => _position;

    public void Byte(byte value) => _destination[_position++] = value;

    public void Bool(bool value) => Byte(value ? (byte)1 : (byte)0);

    public void UInt16(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Take(2), value);

    public void Int32(int value) => BinaryPrimitives.WriteInt32LittleEndian(Take(4), value);

    public void Int64(long value) => BinaryPrimitives.WriteInt64LittleEndian(Take(8), value);

    public void UInt64(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Take(8), value);

    public void Node(NodeId value) => Int32(value.Value);

    public void Slot(Slot value) => Int64(value.Value);

    public void Ballot(Ballot value)
    {
        Int64(value.Round);
        Int32(value.Node.Value);
    }

    public void Trace(in ActivityContext value) => TraceParent.Write(in value, Take(TraceParent.SizeBytes));

    public void Bytes(ReadOnlySpan<byte> value) => value.CopyTo(Take(value.Length));

    /// <summary>UTF-8 without its length, which the caller has computed.</summary>
    public void Text(string value, int length) => Encoding.UTF8.GetBytes(value, Take(length));

    private Span<byte> Take(int count)
    {
        Span<byte> field = _destination.Slice(_position, count);
        _position += count;
        return field;
    }
}
