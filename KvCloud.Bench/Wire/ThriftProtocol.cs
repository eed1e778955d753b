using System.Buffers.Binary;
using System.Text;
using KvCloud.Bench.Load;
using KvCloud.Protocol;

namespace KvCloud.Bench.Wire;

/// <summary>
/// KvCloud's Thrift by hand: strict binary, unframed, as legacy clients speak it. The token is the sequence id. What it writes is
/// compared with Apache's generated client in the tests.
/// </summary>
internal sealed class ThriftProtocol : WireProtocol
{
    private const byte StructField = 12;
    private const byte StringField = 11;
    private const byte ListField = 15;
    private const byte Int32Field = 8;
    private const byte Int64Field = 10;
    private const uint CallHeader = 0x80010001;

    private static readonly byte[] SetHeader = Header("setKey");
    private static readonly byte[] GetHeader = Header("get");
    private static readonly byte[] RangeHeader = Header("getRange");
    private static readonly byte[] CommitHeader = Header("atomicCommit");

    /// <summary>The newest version an answer has told; a transaction reads nothing, but must name one.</summary>
    private long _newestVersion;

    public override void Open(ByteBuffer output)
    {
    }

    public override void Write(in WireCall call, int token, ByteBuffer output)
    {
        switch (call.Kind)
        {
            case CallKind.Set:
                Begin(output, SetHeader, token);
                WriteBytes(output, 1, call.Keys);
                WriteBytes(output, 2, call.Value);
                break;
            case CallKind.Range:
                Begin(output, RangeHeader, token);
                WriteBytes(output, 1, call.Keys);
                WriteBytes(output, 2, call.EndKey);
                WriteInt32(output, 7, call.Limit);
                WriteInt32(output, 100, (int)ReadConsistency.LOCAL);
                break;
            case CallKind.Commit:
                Begin(output, CommitHeader, token);
                WriteCommit(output, call);
                break;
            default:
                Begin(output, GetHeader, token);
                WriteBytes(output, 1, call.Keys);
                WriteInt32(output, 100, (int)ConsistencyOf(call.Kind));
                break;
        }

        // The end of the request struct, and of the arguments.
        output.WriteByte(0);
        output.WriteByte(0);
    }

    public override void Read(ByteBuffer input, List<WireAnswer> answers, ByteBuffer output)
    {
        while (true)
        {
            var reader = new ThriftReader(input.Unread);
            if (!reader.TryReadReply(out ThriftReply reply))
            {
                return;
            }

            _newestVersion = Math.Max(_newestVersion, reply.Version);
            CallStatus status = StatusOf((ErrorCode)reply.Code, reply.Error, reply.Success ? CallStatus.Ok : CallStatus.NotFound);
            answers.Add(new WireAnswer(reply.Sequence, status, reply.Error));
            input.Consume(reader.Consumed);
        }
    }

    internal static ReadConsistency ConsistencyOf(CallKind kind) => kind switch
    {
        CallKind.GetLeader => ReadConsistency.LEADER,
        CallKind.GetReadIndex => ReadConsistency.READ_INDEX,
        _ => ReadConsistency.LOCAL,
    };

    /// <summary>The status of an answer with this code and error; <paramref name="otherwise"/> where it has neither.</summary>
    internal static CallStatus StatusOf(ErrorCode code, string? error, CallStatus otherwise) => code switch
    {
        ErrorCode.OK when error is not null => CallStatus.Refused,
        ErrorCode.OK => otherwise,
        ErrorCode.NOT_LEADER or ErrorCode.NO_LEADER => CallStatus.NotLeader,
        ErrorCode.OVERLOADED => CallStatus.Overloaded,
        ErrorCode.OUTCOME_UNKNOWN => CallStatus.OutcomeUnknown,
        ErrorCode.TIMEOUT => CallStatus.Timeout,
        ErrorCode.CONFLICT => CallStatus.Conflict,
        _ => CallStatus.Refused,
    };

    private static byte[] Header(string method)
    {
        byte[] name = Encoding.ASCII.GetBytes(method);
        byte[] header = new byte[8 + name.Length];
        BinaryPrimitives.WriteUInt32BigEndian(header, CallHeader);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), name.Length);
        name.CopyTo(header.AsSpan(8));
        return header;
    }

    private static void Begin(ByteBuffer output, byte[] header, int token)
    {
        output.Write(header);
        output.WriteInt32(token);
        WriteField(output, StructField, 1);
    }

    private static void WriteField(ByteBuffer output, byte type, short id)
    {
        Span<byte> room = output.Room(3);
        room[0] = type;
        BinaryPrimitives.WriteInt16BigEndian(room[1..], id);
        output.Advance(3);
    }

    private static void WriteBytes(ByteBuffer output, short id, ReadOnlySpan<byte> bytes)
    {
        WriteField(output, StringField, id);
        output.WriteInt32(bytes.Length);
        output.Write(bytes);
    }

    private static void WriteInt32(ByteBuffer output, short id, int value)
    {
        WriteField(output, Int32Field, id);
        output.WriteInt32(value);
    }

    private void WriteCommit(ByteBuffer output, in WireCall call)
    {
        WriteField(output, Int64Field, 1);
        output.WriteInt64(_newestVersion);
        WriteField(output, ListField, 2);
        output.WriteByte(StructField);
        output.WriteInt32(call.Keys.Length / call.KeySizeBytes);
        for (ReadOnlySpan<byte> keys = call.Keys; keys.Length > 0; keys = keys[call.KeySizeBytes..])
        {
            WriteBytes(output, 1, "set"u8);
            WriteBytes(output, 2, keys[..call.KeySizeBytes]);
            WriteBytes(output, 3, call.Value);
            output.WriteByte(0);
        }

        WriteField(output, ListField, 3);
        output.WriteByte(StringField);
        output.WriteInt32(0);
    }
}
