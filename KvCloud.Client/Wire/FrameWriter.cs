using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;

namespace KvCloud.Client.Wire;

/// <summary>
/// Encodes calls, each in a frame of its own, one behind the other into one pooled array: what waits for the socket goes
/// out in one send. Compatible byte for byte with Apache Thrift's strict binary protocol over a framed transport.
/// </summary>
/// <remarks>Not thread-safe: the connector's lock guards it.</remarks>
internal sealed class FrameWriter : IDisposable
{
    private const int InitialSizeBytes = 16 * 1024;
    private const int KeepSizeBytes = 256 * 1024;
    private const int FrameHeaderSizeBytes = 4;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(InitialSizeBytes);
    private int _length;
    private int _frameStart;

    public int Length => _length;

    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, _length);

    /// <summary>Starts a call and its `request` argument; the fields of the request follow.</summary>
    public void BeginCall(ReadOnlySpan<byte> methodUtf8, int sequenceId)
    {
        _frameStart = _length;
        Span<byte> span = Reserve(FrameHeaderSizeBytes + 4 + 4 + methodUtf8.Length + 4 + 3);
        BinaryPrimitives.WriteUInt32BigEndian(span[4..], 0x8001_0000u | ThriftType.CallMessage);
        BinaryPrimitives.WriteInt32BigEndian(span[8..], methodUtf8.Length);
        methodUtf8.CopyTo(span[12..]);
        span = span[(12 + methodUtf8.Length)..];
        BinaryPrimitives.WriteInt32BigEndian(span, sequenceId);
        span[4] = ThriftType.Struct;
        BinaryPrimitives.WriteInt16BigEndian(span[5..], 1);
    }

    /// <summary>Ends the request, its arguments and the frame; tells the frame's size.</summary>
    public int EndCall()
    {
        Span<byte> stops = Reserve(2);
        stops[0] = ThriftType.Stop;
        stops[1] = ThriftType.Stop;
        int frameSize = _length - _frameStart - FrameHeaderSizeBytes;
        BinaryPrimitives.WriteInt32BigEndian(_buffer.AsSpan(_frameStart), frameSize);
        return frameSize;
    }

    /// <summary>Takes back a call that could not be encoded to its end.</summary>
    public void AbandonCall() => _length = _frameStart;

    public void Bool(short id, bool value)
    {
        Span<byte> span = FieldHeader(ThriftType.Bool, id, 1);
        span[0] = value ? (byte)1 : (byte)0;
    }

    public void I32(short id, int value) =>
        BinaryPrimitives.WriteInt32BigEndian(FieldHeader(ThriftType.I32, id, 4), value);

    public void I64(short id, long value) =>
        BinaryPrimitives.WriteInt64BigEndian(FieldHeader(ThriftType.I64, id, 8), value);

    public void Double(short id, double value) =>
        BinaryPrimitives.WriteDoubleBigEndian(FieldHeader(ThriftType.Double, id, 8), value);

    public void Binary(short id, ReadOnlySpan<byte> value)
    {
        Span<byte> span = FieldHeader(ThriftType.String, id, 4 + value.Length);
        BinaryPrimitives.WriteInt32BigEndian(span, value.Length);
        value.CopyTo(span[4..]);
    }

    public void Text(short id, string value)
    {
        int size = Encoding.UTF8.GetByteCount(value);
        Span<byte> span = FieldHeader(ThriftType.String, id, 4 + size);
        BinaryPrimitives.WriteInt32BigEndian(span, size);
        Encoding.UTF8.GetBytes(value, span[4..]);
    }

    /// <summary>Writes the field only where there is a value: absent means what the server has configured.</summary>
    public void OptionalText(short id, string? value)
    {
        if (value is not null)
        {
            Text(id, value);
        }
    }

    /// <summary>Writes `00-{trace id}-{span id}-{flags}`, unless the activity has ids of another kind.</summary>
    public void TraceParent(short id, Activity activity)
    {
        const int Length = 55;
        if (activity.IdFormat != ActivityIdFormat.W3C)
        {
            return;
        }

        Span<byte> span = FieldHeader(ThriftType.String, id, 4 + Length);
        BinaryPrimitives.WriteInt32BigEndian(span, Length);
        span = span[4..];
        "00-"u8.CopyTo(span);
        Encoding.ASCII.GetBytes(activity.TraceId.ToHexString(), span[3..]);
        span[35] = (byte)'-';
        Encoding.ASCII.GetBytes(activity.SpanId.ToHexString(), span[36..]);
        (activity.Recorded ? "-01"u8 : "-00"u8).CopyTo(span[52..]);
    }

    public void BeginList(short id, byte elementType, int count)
    {
        Span<byte> span = FieldHeader(ThriftType.List, id, 5);
        span[0] = elementType;
        BinaryPrimitives.WriteInt32BigEndian(span[1..], count);
    }

    /// <summary>One element of a list of binaries.</summary>
    public void BinaryElement(ReadOnlySpan<byte> value)
    {
        Span<byte> span = Reserve(4 + value.Length);
        BinaryPrimitives.WriteInt32BigEndian(span, value.Length);
        value.CopyTo(span[4..]);
    }

    /// <summary>Ends a struct that is an element of a list.</summary>
    public void EndStruct() => Reserve(1)[0] = ThriftType.Stop;

    /// <summary>Empties the buffer after a send; an array that one large value has blown up goes back to the pool.</summary>
    public void Reset()
    {
        _length = 0;
        if (_buffer.Length > KeepSizeBytes)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = ArrayPool<byte>.Shared.Rent(InitialSizeBytes);
        }
    }

    public void Dispose()
    {
        byte[] buffer = _buffer;
        _buffer = [];
        _length = 0;
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private Span<byte> FieldHeader(byte type, short id, int sizeBytes)
    {
        Span<byte> span = Reserve(3 + sizeBytes);
        span[0] = type;
        BinaryPrimitives.WriteInt16BigEndian(span[1..], id);
        return span[3..];
    }

    private Span<byte> Reserve(int sizeBytes)
    {
        if (_buffer.Length - _length < sizeBytes)
        {
            Grow(sizeBytes);
        }

        Span<byte> span = _buffer.AsSpan(_length, sizeBytes);
        _length += sizeBytes;
        return span;
    }

    private void Grow(int sizeBytes)
    {
        int wanted = Math.Max(checked(_length + sizeBytes), (int)Math.Min(2L * _buffer.Length, Array.MaxLength));
        byte[] larger = ArrayPool<byte>.Shared.Rent(wanted);
        _buffer.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
