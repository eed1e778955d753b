using System.Buffers.Binary;
using System.Text;
using KvCloud.Protocol;
using Thrift.Protocol.Entities;

namespace KvCloud.Node.Rpc.Wire;

/// <summary>
/// The hottest requests and answers by hand: get, setKey and deleteKey. A test holds them to what Apache's encoder
/// writes for the same, byte for byte.
/// </summary>
internal static class PointCodec
{
    private const int Version1 = unchecked((int)0x80010000);
    private const int FieldHeaderBytes = 3;
    private const int MessageHeaderBytes = 12;

    /// <summary>Message header without the name, the result's field header, and the stops of answer and result.</summary>
    private const int EnvelopeBytes = MessageHeaderBytes + FieldHeaderBytes + 2;
    private const int BoolFieldBytes = FieldHeaderBytes + 1;
    private const int I64FieldBytes = FieldHeaderBytes + 8;
    private const int LengthBytes = 4;
    private const short VersionField = 102;

    public static GetArguments ReadGet(in RequestMessage message)
    {
        var arguments = default(GetArguments);
        ThriftSpanReader reader = BeginRequest(in message);
        while (reader.TryReadField(out TType type, out short id))
        {
            switch (id, type)
            {
                case (1, TType.String):
                    arguments.Key = ReadSlice(ref reader, in message, ref arguments.HasKey);
                    break;
                case (2, TType.String):
                    arguments.ColumnFamily = ReadText(ref reader, in message);
                    break;
                case (100, TType.I32):
                    arguments.Consistency = (ReadConsistency)reader.ReadI32();
                    break;
                case (101, TType.I32):
                    arguments.MaxStalenessMs = reader.ReadI32();
                    break;
                case (102, TType.I32):
                    arguments.TimeoutMs = reader.ReadI32();
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }

        Require(arguments.HasKey, "key");
        return arguments;
    }

    public static SetArguments ReadSet(in RequestMessage message)
    {
        var arguments = default(SetArguments);
        bool hasKey = false;
        bool hasValue = false;
        ThriftSpanReader reader = BeginRequest(in message);
        while (reader.TryReadField(out TType type, out short id))
        {
            switch (id, type)
            {
                case (1, TType.String):
                    arguments.Key = ReadSlice(ref reader, in message, ref hasKey);
                    break;
                case (2, TType.String):
                    arguments.Value = ReadSlice(ref reader, in message, ref hasValue);
                    break;
                case (3, TType.String):
                    arguments.ColumnFamily = ReadText(ref reader, in message);
                    break;
                default:
                    ReadWriteField(ref reader, id, type, ref arguments);
                    break;
            }
        }

        Require(hasKey, "key");
        Require(hasValue, "value");
        return arguments;
    }

    /// <summary>The arguments of deleteKey; their value stays empty.</summary>
    public static SetArguments ReadDelete(in RequestMessage message)
    {
        var arguments = default(SetArguments);
        bool hasKey = false;
        ThriftSpanReader reader = BeginRequest(in message);
        while (reader.TryReadField(out TType type, out short id))
        {
            switch (id, type)
            {
                case (1, TType.String):
                    arguments.Key = ReadSlice(ref reader, in message, ref hasKey);
                    break;
                case (2, TType.String):
                    arguments.ColumnFamily = ReadText(ref reader, in message);
                    break;
                default:
                    ReadWriteField(ref reader, id, type, ref arguments);
                    break;
            }
        }

        Require(hasKey, "key");
        return arguments;
    }

    /// <summary>The answer to a get; a null value is that of a missing key.</summary>
    public static void WriteGetAnswer(AnswerWriter output, ReadOnlySpan<byte> name, int sequenceId, byte[]? value, long version)
    {
        int valueLength = value?.Length ?? 0;
        int beforeBytes = MessageHeaderBytes + name.Length + FieldHeaderBytes + FieldHeaderBytes + LengthBytes;
        int afterBytes = BoolFieldBytes + (value is null ? 0 : I64FieldBytes) + 2;
        output.Begin(beforeBytes + valueLength + afterBytes);

        Span<byte> span = output.GetSpan(beforeBytes);
        int at = WriteHeader(span, name, sequenceId);
        at += WriteFieldHeader(span[at..], TType.String, 1);
        BinaryPrimitives.WriteInt32BigEndian(span[at..], valueLength);
        output.Advance(beforeBytes);
        output.Write(value);

        span = output.GetSpan(afterBytes);
        at = WriteBool(span, 2, value is not null);
        if (value is not null)
        {
            at += WriteI64(span[at..], VersionField, version);
        }

        WriteStops(span[at..]);
        output.Advance(afterBytes);
    }

    /// <summary>The answer to a setKey or deleteKey that took effect.</summary>
    public static void WriteDoneAnswer(AnswerWriter output, ReadOnlySpan<byte> name, int sequenceId, long version)
    {
        int bytes = EnvelopeBytes + name.Length + BoolFieldBytes + I64FieldBytes;
        output.Begin(bytes);
        Span<byte> span = output.GetSpan(bytes);
        int at = WriteHeader(span, name, sequenceId);
        at += WriteBool(span[at..], 1, true);
        at += WriteI64(span[at..], VersionField, version);
        WriteStops(span[at..]);
        output.Advance(bytes);
    }

    private static void ReadWriteField(ref ThriftSpanReader reader, short id, TType type, ref SetArguments arguments)
    {
        switch (id, type)
        {
            case (100, TType.I64):
                arguments.ClientId = reader.ReadI64();
                break;
            case (101, TType.I64):
                arguments.Sequence = reader.ReadI64();
                break;
            case (102, TType.I64):
                arguments.AcknowledgedBelow = reader.ReadI64();
                break;
            case (103, TType.I32):
                arguments.TimeoutMs = reader.ReadI32();
                break;
            default:
                reader.Skip(type);
                break;
        }
    }

    /// <summary>A reader at the first field of argument 1.</summary>
    private static ThriftSpanReader BeginRequest(in RequestMessage message)
    {
        var reader = new ThriftSpanReader(message.Bytes.Span, message.ArgumentsStart);
        while (reader.TryReadField(out TType type, out short id))
        {
            if (id == 1 && type == TType.Struct)
            {
                return reader;
            }

            reader.Skip(type);
        }

        throw new ThriftContentException("argument 1 'request' is missing");
    }

    private static ReadOnlyMemory<byte> ReadSlice(ref ThriftSpanReader reader, in RequestMessage message, ref bool isThere)
    {
        isThere = true;
        return message.Bytes[reader.ReadBinary()];
    }

    private static string ReadText(ref ThriftSpanReader reader, in RequestMessage message) =>
        Encoding.UTF8.GetString(message.Bytes.Span[reader.ReadBinary()]);

    private static void Require(bool isThere, string field)
    {
        if (!isThere)
        {
            throw new ThriftContentException($"the required field '{field}' is missing");
        }
    }

    private static int WriteHeader(Span<byte> span, ReadOnlySpan<byte> name, int sequenceId)
    {
        BinaryPrimitives.WriteInt32BigEndian(span, Version1 | (int)TMessageType.Reply);
        BinaryPrimitives.WriteInt32BigEndian(span[4..], name.Length);
        name.CopyTo(span[8..]);
        BinaryPrimitives.WriteInt32BigEndian(span[(8 + name.Length)..], sequenceId);
        int at = MessageHeaderBytes + name.Length;
        return at + WriteFieldHeader(span[at..], TType.Struct, 0);
    }

    private static int WriteFieldHeader(Span<byte> span, TType type, short id)
    {
        span[0] = (byte)type;
        BinaryPrimitives.WriteInt16BigEndian(span[1..], id);
        return FieldHeaderBytes;
    }

    private static int WriteBool(Span<byte> span, short id, bool value)
    {
        WriteFieldHeader(span, TType.Bool, id);
        span[FieldHeaderBytes] = value ? (byte)1 : (byte)0;
        return BoolFieldBytes;
    }

    private static int WriteI64(Span<byte> span, short id, long value)
    {
        WriteFieldHeader(span, TType.I64, id);
        BinaryPrimitives.WriteInt64BigEndian(span[FieldHeaderBytes..], value);
        return I64FieldBytes;
    }

    /// <summary>The ends of the answer and of the result around it.</summary>
    private static void WriteStops(Span<byte> span)
    {
        span[0] = (byte)TType.Stop;
        span[1] = (byte)TType.Stop;
    }

    /// <summary>A get's request. The key lies in the message.</summary>
    internal struct GetArguments
    {
        public ReadOnlyMemory<byte> Key;
        public bool HasKey;
        public string? ColumnFamily;
        public ReadConsistency? Consistency;
        public int? MaxStalenessMs;
        public int? TimeoutMs;
    }

    /// <summary>A setKey's or deleteKey's request. Key and value lie in the message.</summary>
    internal struct SetArguments
    {
        public ReadOnlyMemory<byte> Key;
        public ReadOnlyMemory<byte> Value;
        public string? ColumnFamily;
        public long? ClientId;
        public long? Sequence;
        public long? AcknowledgedBelow;
        public int? TimeoutMs;
    }
}
