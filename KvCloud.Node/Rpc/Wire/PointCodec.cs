using KvCloud.Protocol;
using KvCloud.Protocol.Wire;

namespace KvCloud.Node.Rpc.Wire;

/// <summary>
/// Hand-written codec of the most frequent requests and answers: get, setKey and deleteKey. A test compares its output
/// byte for byte with that of Apache's encoder.
/// </summary>
/// <remarks>
/// <see cref="ThriftScanner"/> has validated every message that is read here: no field ends beyond the message.
/// </remarks>
internal static class PointCodec
{
    private const short VersionField = 102;

    /// <summary>Upper bound of a get answer's size without its value.</summary>
    private const int AnswerOverheadBytes = 64;

    private delegate T ReadFields<T>(ref ThriftReader reader, in RequestMessage message);

    public static GetArguments ReadGet(in RequestMessage message) => Read(in message, ReadGetFields);

    public static SetArguments ReadSet(in RequestMessage message) => Read(in message, ReadSetFields);

    /// <summary>The arguments of deleteKey; the value stays empty.</summary>
    public static SetArguments ReadDelete(in RequestMessage message) => Read(in message, ReadDeleteFields);

    /// <summary>The answer to a get; a null value means that the key does not exist.</summary>
    public static void WriteGetAnswer(
        AnswerWriter output, ReadOnlySpan<byte> name, int sequenceId, byte[]? value, long version)
    {
        output.EnsureRoom(AnswerOverheadBytes + (value?.Length ?? 0));
        output.BeginReply(name, sequenceId);
        output.Binary(1, value);
        output.Bool(2, value is not null);
        if (value is not null)
        {
            output.I64(VersionField, version);
        }

        output.EndBody();
    }

    /// <summary>The answer to a setKey or deleteKey that took effect.</summary>
    public static void WriteDoneAnswer(AnswerWriter output, ReadOnlySpan<byte> name, int sequenceId, long version)
    {
        output.BeginReply(name, sequenceId);
        output.Bool(1, true);
        output.I64(VersionField, version);
        output.EndBody();
    }

    private static GetArguments ReadGetFields(ref ThriftReader reader, in RequestMessage message)
    {
        var arguments = default(GetArguments);
        while (reader.NextField(out ThriftType type, out short id))
        {
            switch (id, type)
            {
                case (1, ThriftType.String):
                    arguments.Key = ReadSlice(ref reader, in message, ref arguments.HasKey);
                    break;
                case (2, ThriftType.String):
                    arguments.ColumnFamily = reader.Text();
                    break;
                case (100, ThriftType.I32):
                    arguments.Consistency = (ReadConsistency)reader.I32();
                    break;
                case (101, ThriftType.I32):
                    arguments.MaxStalenessMs = reader.I32();
                    break;
                case (102, ThriftType.I32):
                    arguments.TimeoutMs = reader.I32();
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }

        Require(arguments.HasKey, "key");
        return arguments;
    }

    private static SetArguments ReadSetFields(ref ThriftReader reader, in RequestMessage message)
    {
        var arguments = default(SetArguments);
        bool hasKey = false;
        bool hasValue = false;
        while (reader.NextField(out ThriftType type, out short id))
        {
            switch (id, type)
            {
                case (1, ThriftType.String):
                    arguments.Key = ReadSlice(ref reader, in message, ref hasKey);
                    break;
                case (2, ThriftType.String):
                    arguments.Value = ReadSlice(ref reader, in message, ref hasValue);
                    break;
                case (3, ThriftType.String):
                    arguments.ColumnFamily = reader.Text();
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

    private static SetArguments ReadDeleteFields(ref ThriftReader reader, in RequestMessage message)
    {
        var arguments = default(SetArguments);
        bool hasKey = false;
        while (reader.NextField(out ThriftType type, out short id))
        {
            switch (id, type)
            {
                case (1, ThriftType.String):
                    arguments.Key = ReadSlice(ref reader, in message, ref hasKey);
                    break;
                case (2, ThriftType.String):
                    arguments.ColumnFamily = reader.Text();
                    break;
                default:
                    ReadWriteField(ref reader, id, type, ref arguments);
                    break;
            }
        }

        Require(hasKey, "key");
        return arguments;
    }

    private static void ReadWriteField(ref ThriftReader reader, short id, ThriftType type, ref SetArguments arguments)
    {
        switch (id, type)
        {
            case (100, ThriftType.I64):
                arguments.ClientId = reader.I64();
                break;
            case (101, ThriftType.I64):
                arguments.Sequence = reader.I64();
                break;
            case (102, ThriftType.I64):
                arguments.AcknowledgedBelow = reader.I64();
                break;
            case (103, ThriftType.I32):
                arguments.TimeoutMs = reader.I32();
                break;
            default:
                reader.Skip(type);
                break;
        }
    }

    /// <summary>Reads argument 1. Of several the last one counts, as for the generated code.</summary>
    private static T Read<T>(in RequestMessage message, ReadFields<T> read)
    {
        var reader = new ThriftReader(message.Bytes.Span, message.ArgumentsStart);
        if (!TryFindRequest(ref reader))
        {
            throw new ThriftContentException("argument 1 'request' is missing");
        }

        T arguments;
        do
        {
            arguments = read(ref reader, in message);
        }
        while (TryFindRequest(ref reader));

        return arguments;
    }

    /// <summary>
    /// Positions the reader, which is among the arguments, at the first field of the next argument 1.
    /// </summary>
    private static bool TryFindRequest(ref ThriftReader reader)
    {
        while (reader.NextField(out ThriftType type, out short id))
        {
            if (id == 1 && type == ThriftType.Struct)
            {
                return true;
            }

            reader.Skip(type);
        }

        return false;
    }

    private static ReadOnlyMemory<byte> ReadSlice(ref ThriftReader reader, in RequestMessage message, ref bool isThere)
    {
        isThere = true;
        return message.Bytes[reader.BinaryRange()];
    }

    private static void Require(bool isThere, string field)
    {
        if (!isThere)
        {
            throw new ThriftContentException($"the required field '{field}' is missing");
        }
    }

    /// <summary>The request of a get. The key points into the message.</summary>
    internal struct GetArguments
    {
        public ReadOnlyMemory<byte> Key;
        public bool HasKey;
        public string? ColumnFamily;
        public ReadConsistency? Consistency;
        public int? MaxStalenessMs;
        public int? TimeoutMs;
    }

    /// <summary>The request of a setKey or deleteKey. Key and value point into the message.</summary>
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
