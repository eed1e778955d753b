using KvCloud.Protocol;
using KvCloud.Protocol.Wire;

namespace KvCloud.Client.Wire;

/// <summary>Reads the frame of an answer into a <see cref="Reply"/>.</summary>
internal static class ReplyReader
{
    /// <summary>Reads what follows the message's header.</summary>
    public static Reply ReadBody(
        ref ThriftReader reader, ReadOnlySpan<byte> frame, ThriftMessageKind kind, ReplyLayout layout)
    {
        if (kind == ThriftMessageKind.Exception)
        {
            return ReadApplicationException(ref reader);
        }

        if (kind != ThriftMessageKind.Reply)
        {
            throw new WireFormatException($"a message of kind {kind} came where an answer was expected");
        }

        Reply? reply = null;
        while (reader.NextField(out ThriftType type, out short id))
        {
            if (id == 0 && type == ThriftType.Struct)
            {
                reply = layout == ReplyLayout.Struct
                    ? ReadStruct(ref reader, frame)
                    : ReadFields(ref reader, layout);
            }
            else
            {
                reader.Skip(type);
            }
        }

        return reply ?? throw new WireFormatException("the answer has no result");
    }

    /// <summary>
    /// Reads the struct's bytes, and its code, leader and text: every answer has those in the same fields.
    /// </summary>
    private static Reply ReadStruct(ref ThriftReader reader, ReadOnlySpan<byte> frame)
    {
        int start = reader.Position;
        ErrorCode code = ErrorCode.OK;
        string? message = null;
        string? leader = null;
        while (reader.NextField(out ThriftType type, out short id))
        {
            switch (id, type)
            {
                case (3, ThriftType.String):
                    message = reader.Text();
                    break;
                case (100, ThriftType.I32):
                    code = (ErrorCode)reader.I32();
                    break;
                case (101, ThriftType.String):
                    leader = reader.Text();
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }

        return new Reply
        {
            Bytes = frame[start..reader.Position].ToArray(),
            Code = code,
            Message = message,
            LeaderEndpoint = leader,
        };
    }

    private static Reply ReadFields(ref ThriftReader reader, ReplyLayout layout)
    {
        bool valueFirst = layout is ReplyLayout.Value or ReplyLayout.Range;
        var fields = new Fields();
        while (reader.NextField(out ThriftType type, out short id))
        {
            switch (id, type)
            {
                case (1, ThriftType.String) when valueFirst:
                    fields.Bytes = reader.BinaryArray();
                    break;
                case (1, ThriftType.List) when layout == ReplyLayout.Range:
                    fields.Rows = ReadRows(ref reader);
                    break;
                case (1 or 2, ThriftType.Bool):
                    fields.Flag = reader.Bool();
                    break;
                case (1 or 2, ThriftType.I64) when layout == ReplyLayout.Number:
                    fields.Number = reader.I64();
                    break;
                case (2, ThriftType.String) when layout is ReplyLayout.Status or ReplyLayout.Commit:
                case (3, ThriftType.String) when layout is not (ReplyLayout.Status or ReplyLayout.Commit):
                    fields.Message = reader.Text();
                    break;
                case (3, ThriftType.String):
                    fields.CodeText = reader.Text();
                    break;
                case (4, ThriftType.Bool) when layout == ReplyLayout.Range:
                    fields.HasMore = reader.Bool();
                    break;
                case (4, ThriftType.I64) when layout == ReplyLayout.Commit:
                case (102, ThriftType.I64):
                    fields.Number = reader.I64();
                    break;
                case (100, ThriftType.I32):
                    fields.Code = (ErrorCode)reader.I32();
                    break;
                case (101, ThriftType.String):
                    fields.LeaderEndpoint = reader.Text();
                    break;
                case (103, ThriftType.List) when layout == ReplyLayout.Commit:
                    fields.Rows = ReadBinaries(ref reader);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }

        return fields.ToReply(layout);
    }

    private static KvEntry[] ReadRows(ref ThriftReader reader)
    {
        int count = reader.ListHeader(ThriftType.Struct);
        var rows = new KvEntry[count];
        for (int i = 0; i < count; i++)
        {
            byte[] key = [];
            byte[] value = [];
            long version = 0;
            while (reader.NextField(out ThriftType type, out short id))
            {
                switch (id, type)
                {
                    case (1, ThriftType.String):
                        key = reader.BinaryArray();
                        break;
                    case (2, ThriftType.String):
                        value = reader.BinaryArray();
                        break;
                    case (100, ThriftType.I64):
                        version = reader.I64();
                        break;
                    default:
                        reader.Skip(type);
                        break;
                }
            }

            rows[i] = new KvEntry(key, value, version);
        }

        return rows;
    }

    private static byte[][] ReadBinaries(ref ThriftReader reader)
    {
        int count = reader.ListHeader(ThriftType.String);
        byte[][] binaries = new byte[count][];
        for (int i = 0; i < count; i++)
        {
            binaries[i] = reader.BinaryArray();
        }

        return binaries;
    }

    /// <summary>
    /// Thrift's own error: an unknown method, or a server that failed before it could send a regular answer.
    /// </summary>
    private static Reply ReadApplicationException(ref ThriftReader reader)
    {
        const int UnknownMethod = 1;
        string message = "";
        int kind = 0;
        while (reader.NextField(out ThriftType type, out short id))
        {
            switch (id, type)
            {
                case (1, ThriftType.String):
                    message = reader.Text();
                    break;
                case (2, ThriftType.I32):
                    kind = reader.I32();
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }

        return new Reply
        {
            Code = kind == UnknownMethod ? ErrorCode.NOT_SUPPORTED : ErrorCode.INTERNAL,
            Message = message.Length > 0 ? message : $"the server raised application exception {kind}",
        };
    }

    private struct Fields
    {
        public ErrorCode? Code;
        public bool Flag;
        public bool HasMore;
        public string? Message;
        public string? CodeText;
        public string? LeaderEndpoint;
        public long Number;
        public byte[]? Bytes;
        public object? Rows;

        public readonly Reply ToReply(ReplyLayout layout) => new()
        {
            Code = Code is { } code ? code : CodeWithoutField(layout),
            Flag = layout == ReplyLayout.Range ? HasMore : Flag,
            Message = Message,
            LeaderEndpoint = LeaderEndpoint,
            Number = Number,
            Bytes = Bytes,
            Rows = Rows,
        };

        /// <summary>An old server sends no code: derive it from the text and the flag.</summary>
        private readonly ErrorCode CodeWithoutField(ReplyLayout layout)
        {
            if (CodeText is not null && Enum.TryParse(CodeText, out ErrorCode named))
            {
                return named;
            }

            if (string.IsNullOrEmpty(Message))
            {
                return Flag || layout == ReplyLayout.Value ? ErrorCode.OK : ErrorCode.INTERNAL;
            }

            return Message.StartsWith("Not leader", StringComparison.Ordinal)
                ? ErrorCode.NOT_LEADER
                : ErrorCode.INTERNAL;
        }
    }
}
