using KvCloud.Bench.Load;
using KvCloud.Protocol;
using KvCloud.Protocol.Wire;

namespace KvCloud.Bench.Wire;

/// <summary>
/// KvCloud's calls, unframed, as legacy clients send them. The token is the sequence id. Tests compare its output with
/// Apache's generated client.
/// </summary>
internal sealed class ThriftProtocol : WireProtocol
{
    private const int UsualMessageBytes = 4096;

    private readonly FrameWriter _message = new(UsualMessageBytes, keptBytes: int.MaxValue);
    private ThriftScanner _scanner;
    private int _scannedBytes;

    /// <summary>The highest version in any answer. A transaction reads nothing but must name a read version.</summary>
    private long _newestVersion;

    public ThriftProtocol() => _scanner.Reset(int.MaxValue, isAnswer: true);

    public override void Open(WireBuffer output)
    {
    }

    public override void Write(in WireCall call, int token, WireBuffer output)
    {
        switch (call.Kind)
        {
            case CallKind.Set:
                _message.BeginCall("setKey"u8, token);
                _message.Binary(1, call.Keys);
                _message.Binary(2, call.Value);
                break;
            case CallKind.Range:
                _message.BeginCall("getRange"u8, token);
                _message.Binary(1, call.Keys);
                _message.Binary(2, call.EndKey);
                _message.I32(7, call.Limit);
                _message.I32(100, (int)ReadConsistency.LOCAL);
                break;
            case CallKind.Commit:
                _message.BeginCall("atomicCommit"u8, token);
                WriteCommit(call);
                break;
            default:
                _message.BeginCall("get"u8, token);
                _message.Binary(1, call.Keys);
                _message.I32(100, (int)ConsistencyOf(call.Kind));
                break;
        }

        _message.EndBody();
        output.Write(_message.Unread);
        _message.Clear();
    }

    public override void Read(WireBuffer input, List<WireAnswer> answers, WireBuffer output)
    {
        while (TryFindEnd(input))
        {
            answers.Add(ReadAnswer(input.Unread[.._scannedBytes]));
            input.Consume(_scannedBytes);
            _scannedBytes = 0;
            _scanner.Reset(int.MaxValue, isAnswer: true);
        }
    }

    internal static ReadConsistency ConsistencyOf(CallKind kind) => kind switch
    {
        CallKind.GetLeader => ReadConsistency.LEADER,
        CallKind.GetReadIndex => ReadConsistency.READ_INDEX,
        _ => ReadConsistency.LOCAL,
    };

    /// <summary>
    /// The status of an answer with this code and error; <paramref name="otherwise"/> if it has neither.
    /// </summary>
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

    /// <summary>Unframed messages carry no length; the scanner visits each byte once.</summary>
    private bool TryFindEnd(WireBuffer input)
    {
        _scannedBytes += _scanner.Feed(input.Unread[_scannedBytes..]);
        return _scanner.Error is null
            ? _scanner.IsComplete
            : throw new WireException($"the server sent an invalid answer: {_scanner.Error}");
    }

    private WireAnswer ReadAnswer(ReadOnlySpan<byte> message)
    {
        var reader = new ThriftReader(message);
        ThriftMessageKind kind = reader.MessageHeader(out _, out int token);
        if (kind == ThriftMessageKind.Exception)
        {
            return new WireAnswer(token, CallStatus.Refused, ReadException(ref reader));
        }

        if (!reader.NextField(out ThriftType type, out _) || type != ThriftType.Struct)
        {
            throw new WireException("the server's reply has no result");
        }

        return ReadResult(ref reader, token);
    }

    /// <summary>The message of a TApplicationException.</summary>
    private static string ReadException(ref ThriftReader reader)
    {
        while (reader.NextField(out ThriftType type, out short id))
        {
            if (id == 1 && type == ThriftType.String)
            {
                return reader.Text();
            }

            reader.Skip(type);
        }

        return "the server answered with an exception";
    }

    /// <summary>
    /// The first bool is success (or found), field 100 the code, field 102 (4 of a commit) the version. The error text
    /// follows the success flag in every response; the value of a get precedes it.
    /// </summary>
    private WireAnswer ReadResult(ref ThriftReader reader, int token)
    {
        bool? success = null;
        int code = 0;
        string? error = null;
        while (reader.NextField(out ThriftType type, out short id))
        {
            switch (type)
            {
                case ThriftType.Bool when success is null:
                    success = reader.Bool();
                    break;
                case ThriftType.I32 when id == 100:
                    code = reader.I32();
                    break;
                case ThriftType.I64 when id is 102 or 4:
                    _newestVersion = Math.Max(_newestVersion, reader.I64());
                    break;
                case ThriftType.String when success is not null && id is 2 or 3 && error is null:
                    error = reader.Text();
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }

        CallStatus status = StatusOf((ErrorCode)code, error, success == true ? CallStatus.Ok : CallStatus.NotFound);
        return new WireAnswer(token, status, error);
    }

    private void WriteCommit(in WireCall call)
    {
        _message.I64(1, _newestVersion);
        _message.BeginList(2, ThriftType.Struct, call.Keys.Length / call.KeySizeBytes);
        for (ReadOnlySpan<byte> keys = call.Keys; keys.Length > 0; keys = keys[call.KeySizeBytes..])
        {
            _message.Binary(1, "set"u8);
            _message.Binary(2, keys[..call.KeySizeBytes]);
            _message.Binary(3, call.Value);
            _message.EndStruct();
        }

        _message.BeginList(3, ThriftType.String, 0);
    }
}
