using KvCloud.Node.Access;
using KvCloud.Protocol.Wire;

namespace KvCloud.Node.Rpc.Wire;

/// <summary>One whole, well-formed call, in place in the connection's input buffer.</summary>
/// <remarks>
/// <see cref="Bytes"/> is valid only until the call that received it returns; copy what is needed longer.
/// </remarks>
internal readonly struct RequestMessage
{
    private const int NameStart = 8;

    private readonly int _nameLength;

    private RequestMessage(
        ReadOnlyMemory<byte> bytes, int nameLength, int sequenceId, long receivedTimestamp, Caller? caller)
    {
        Caller = caller;
        Bytes = bytes;
        _nameLength = nameLength;
        SequenceId = sequenceId;
        ReceivedTimestamp = receivedTimestamp;
    }

    /// <summary>
    /// The message from its version word on. Cut off after the header if the message was refused before it was
    /// complete.
    /// </summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    public ReadOnlySpan<byte> MethodName => Bytes.Span.Slice(NameStart, _nameLength);

    public int SequenceId { get; }

    /// <summary>Whose connection it came by; null where only the header is of interest.</summary>
    public Caller? Caller { get; }

    /// <summary>Stopwatch timestamp of the read that brought its last bytes.</summary>
    public long ReceivedTimestamp { get; }

    /// <summary>
    /// Whether this replica has applied a read index that was begun after the call came, so that what it knows of users
    /// and roles is as good as any replica's.
    /// </summary>
    public bool IsConfirmed { get; private init; }

    /// <summary>How much of the call's time has passed in that wait.</summary>
    public long WaitedMs { get; private init; }

    /// <summary>Offset in <see cref="Bytes"/> of the arguments struct.</summary>
    public int ArgumentsStart => ThriftFormat.MessageHeaderBytes + _nameLength;

    /// <summary>The same call for later, with bytes of its own, as who has logged in now.</summary>
    public RequestMessage Copy() =>
        new(Bytes.ToArray(), _nameLength, SequenceId, ReceivedTimestamp, Caller?.AsOfNow());

    /// <summary>The call, now that this replica has applied what was chosen when it came.</summary>
    public RequestMessage Confirmed(long waitedMs) => this with { IsConfirmed = true, WaitedMs = waitedMs };

    /// <summary>Parses bytes that a scanner has validated at least up to the sequence id.</summary>
    public static RequestMessage Parse(
        ReadOnlyMemory<byte> bytes, long receivedTimestamp, Caller? caller = null)
    {
        new ThriftReader(bytes.Span).MessageHeader(out ReadOnlySpan<byte> name, out int sequenceId);
        return new RequestMessage(bytes, name.Length, sequenceId, receivedTimestamp, caller);
    }
}
