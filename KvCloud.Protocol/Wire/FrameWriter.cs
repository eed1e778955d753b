using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;

namespace KvCloud.Protocol.Wire;

/// <summary>
/// Appends messages of the strict binary protocol, each in its own frame if the connection is framed, so that all of
/// them leave in one send. The output is byte for byte that of Apache Thrift.
/// </summary>
/// <param name="usualBytes">The initial size.</param>
/// <param name="keptBytes">A larger array is returned to the pool once it is empty.</param>
internal class FrameWriter(int usualBytes, int keptBytes) : WireBuffer(usualBytes, keptBytes)
{
    private const short RequestField = 1;
    private const short ResultField = 0;

    private int _messageStart;

    /// <summary>Whether a length precedes each message.</summary>
    public bool IsFramed { get; set; }

    /// <summary>Starts a call and its `request` argument; its fields follow, then <see cref="EndBody"/>.</summary>
    public void BeginCall(ReadOnlySpan<byte> nameUtf8, int sequenceId) =>
        BeginBody(ThriftMessageKind.Call, nameUtf8, sequenceId, RequestField);

    /// <summary>Starts a reply and its result; the fields of the result follow, then <see cref="EndBody"/>.</summary>
    public void BeginReply(ReadOnlySpan<byte> nameUtf8, int sequenceId) =>
        BeginBody(ThriftMessageKind.Reply, nameUtf8, sequenceId, ResultField);

    /// <summary>
    /// Ends the request or result, the struct around it, and the message; returns the message's size.
    /// </summary>
    public int EndBody()
    {
        Span<byte> stops = Reserve(2);
        stops[0] = (byte)ThriftType.Stop;
        stops[1] = (byte)ThriftType.Stop;
        return EndMessage();
    }

    /// <summary>
    /// Starts a message. The caller writes everything after the header, up to <see cref="EndMessage"/>.
    /// </summary>
    public void BeginMessage(ThriftMessageKind kind, ReadOnlySpan<byte> nameUtf8, int sequenceId) =>
        Begin(kind, nameUtf8, sequenceId, ThriftFormat.MessageHeaderBytes + nameUtf8.Length);

    /// <summary>Ends the message; returns its size without the frame.</summary>
    public int EndMessage()
    {
        if (!IsFramed)
        {
            return Length - _messageStart;
        }

        int size = Length - _messageStart - ThriftFormat.FrameHeaderBytes;
        BinaryPrimitives.WriteInt32BigEndian(Rewrite(_messageStart), size);
        return size;
    }

    /// <summary>Removes a message that could not be completed.</summary>
    public void AbandonMessage() => Truncate(_messageStart);

    public void Bool(short id, bool value) => Field(ThriftType.Bool, id, 1)[0] = value ? (byte)1 : (byte)0;

    public void I32(short id, int value) =>
        BinaryPrimitives.WriteInt32BigEndian(Field(ThriftType.I32, id, 4), value);

    public void I64(short id, long value) =>
        BinaryPrimitives.WriteInt64BigEndian(Field(ThriftType.I64, id, 8), value);

    public void Double(short id, double value) =>
        BinaryPrimitives.WriteDoubleBigEndian(Field(ThriftType.Double, id, 8), value);

    public void Binary(short id, ReadOnlySpan<byte> value)
    {
        Span<byte> span = Field(ThriftType.String, id, ThriftFormat.LengthBytes + value.Length);
        BinaryPrimitives.WriteInt32BigEndian(span, value.Length);
        value.CopyTo(span[ThriftFormat.LengthBytes..]);
    }

    public void Text(short id, string value) =>
        Encoding.UTF8.GetBytes(value, BeginBinary(id, Encoding.UTF8.GetByteCount(value)));

    /// <summary>Writes the field only if there is a value: an absent field means the server's default.</summary>
    public void OptionalText(short id, string? value)
    {
        if (value is not null)
        {
            Text(id, value);
        }
    }

    /// <summary>A string or binary of exactly <paramref name="length"/> bytes, which the caller fills in.</summary>
    public Span<byte> BeginBinary(short id, int length)
    {
        Span<byte> span = Field(ThriftType.String, id, ThriftFormat.LengthBytes + length);
        BinaryPrimitives.WriteInt32BigEndian(span, length);
        return span[ThriftFormat.LengthBytes..];
    }

    public void BeginList(short id, ThriftType elementType, int count)
    {
        Span<byte> span = Field(ThriftType.List, id, 5);
        span[0] = (byte)elementType;
        BinaryPrimitives.WriteInt32BigEndian(span[1..], count);
    }

    /// <summary>One element of a list of binaries.</summary>
    public void BinaryElement(ReadOnlySpan<byte> value)
    {
        Span<byte> span = Reserve(ThriftFormat.LengthBytes + value.Length);
        BinaryPrimitives.WriteInt32BigEndian(span, value.Length);
        value.CopyTo(span[ThriftFormat.LengthBytes..]);
    }

    /// <summary>Ends a struct that is a list element or whose fields other code wrote.</summary>
    /// <summary>Fields follow, then <see cref="EndStruct"/>.</summary>
    public void BeginStruct(short id) => Field(ThriftType.Struct, id, 0);

    public void EndStruct() => WriteByte((byte)ThriftType.Stop);

    private void BeginBody(ThriftMessageKind kind, ReadOnlySpan<byte> nameUtf8, int sequenceId, short id)
    {
        int header = ThriftFormat.MessageHeaderBytes + nameUtf8.Length;
        Span<byte> span = Begin(kind, nameUtf8, sequenceId, header + ThriftFormat.FieldHeaderBytes)[header..];
        span[0] = (byte)ThriftType.Struct;
        BinaryPrimitives.WriteInt16BigEndian(span[1..], id);
    }

    /// <summary>Reserves the message's first <paramref name="size"/> bytes and writes the header into them.</summary>
    private Span<byte> Begin(ThriftMessageKind kind, ReadOnlySpan<byte> nameUtf8, int sequenceId, int size)
    {
        _messageStart = Length;
        int frame = IsFramed ? ThriftFormat.FrameHeaderBytes : 0;
        Span<byte> span = Reserve(frame + size)[frame..];
        BinaryPrimitives.WriteUInt32BigEndian(span, ThriftFormat.Version1 | (uint)kind);
        BinaryPrimitives.WriteInt32BigEndian(span[4..], nameUtf8.Length);
        nameUtf8.CopyTo(span[8..]);
        BinaryPrimitives.WriteInt32BigEndian(span[(8 + nameUtf8.Length)..], sequenceId);
        return span;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Span<byte> Field(ThriftType type, short id, int valueBytes)
    {
        Span<byte> span = Reserve(ThriftFormat.FieldHeaderBytes + valueBytes);
        span[0] = (byte)type;
        BinaryPrimitives.WriteInt16BigEndian(span[1..], id);
        return span[ThriftFormat.FieldHeaderBytes..];
    }
}
