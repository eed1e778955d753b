using KvCloud.Protocol.Wire;

namespace KvCloud.Node.Rpc.Wire;

/// <summary>One whole, well-formed call, where it lies in the connection's input.</summary>
/// <remarks>
/// <see cref="Bytes"/> is only good until the call that was handed it returns: what is wanted longer is copied.
/// </remarks>
internal readonly struct RequestMessage
{
    private const int NameStart = 8;

    private readonly int _nameLength;

    private RequestMessage(ReadOnlyMemory<byte> bytes, int nameLength, int sequenceId, long receivedTimestamp)
    {
        Bytes = bytes;
        _nameLength = nameLength;
        SequenceId = sequenceId;
        ReceivedTimestamp = receivedTimestamp;
    }

    /// <summary>The message from its version word on. May end early if it was refused before it was whole.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    public ReadOnlySpan<byte> MethodName => Bytes.Span.Slice(NameStart, _nameLength);

    public int SequenceId { get; }

    /// <summary>Stopwatch timestamp of the read that brought its last bytes.</summary>
    public long ReceivedTimestamp { get; }

    /// <summary>Offset in <see cref="Bytes"/> of the arguments struct.</summary>
    public int ArgumentsStart => ThriftFormat.MessageHeaderBytes + _nameLength;

    /// <summary>Bytes that a scanner has passed at least as far as the sequence id.</summary>
    public static RequestMessage Parse(ReadOnlyMemory<byte> bytes, long receivedTimestamp)
    {
        new ThriftReader(bytes.Span).MessageHeader(out ReadOnlySpan<byte> name, out int sequenceId);
        return new RequestMessage(bytes, name.Length, sequenceId, receivedTimestamp);
    }
}
