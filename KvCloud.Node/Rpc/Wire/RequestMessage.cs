using System.Buffers.Binary;

namespace KvCloud.Node.Rpc.Wire;

/// <summary>One whole, well-formed call, where it lies in the connection's input.</summary>
/// <remarks>
/// <see cref="Bytes"/> is only good until the call that was handed it returns: what is wanted longer is copied.
/// </remarks>
internal readonly struct RequestMessage
{
    private const int VersionBytes = 4;
    private const int LengthBytes = 4;
    private const int SequenceIdBytes = 4;

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

    public ReadOnlySpan<byte> MethodName => Bytes.Span.Slice(VersionBytes + LengthBytes, _nameLength);

    public int SequenceId { get; }

    /// <summary>Stopwatch timestamp of the read that brought its last bytes.</summary>
    public long ReceivedTimestamp { get; }

    /// <summary>Offset in <see cref="Bytes"/> of the arguments struct.</summary>
    public int ArgumentsStart => VersionBytes + LengthBytes + _nameLength + SequenceIdBytes;

    /// <summary>Bytes that a scanner has passed at least as far as the sequence id.</summary>
    public static RequestMessage Parse(ReadOnlyMemory<byte> bytes, long receivedTimestamp)
    {
        ReadOnlySpan<byte> span = bytes.Span;
        int nameLength = BinaryPrimitives.ReadInt32BigEndian(span[VersionBytes..]);
        int sequenceId = BinaryPrimitives.ReadInt32BigEndian(span[(VersionBytes + LengthBytes + nameLength)..]);
        return new RequestMessage(bytes, nameLength, sequenceId, receivedTimestamp);
    }
}
