using System.Diagnostics.CodeAnalysis;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using KvCloud.Protocol.Wire;
using Thrift.Protocol;
using Thrift.Protocol.Entities;

namespace KvCloud.Bench.Micro;

/// <summary>
/// Encodes and decodes requests and answers of get and setKey: with the hand-written code of node and client, and with
/// Apache's protocol and the generated code in memory, which the node uses for its other methods.
/// </summary>
[MemoryDiagnoser]
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
[SuppressMessage("Design", "CA1001", Justification = "The transports hold only memory.")]
public class ThriftBenchmarks
{
    private const string WriteGet = "1 request of get, write";
    private const string ReadGet = "2 request of get, read";
    private const string WriteSet = "3 request of setKey, write";
    private const string ReadSet = "4 request of setKey, read";
    private const string WriteGetAnswer = "5 answer of get, write";
    private const string ReadGetAnswer = "6 answer of get, read";
    private const string WriteSetAnswer = "7 answer of setKey, write";
    private const string ReadSetAnswer = "8 answer of setKey, read";

    private const int MaxMessageBytes = 1 << 20;
    private const int Sequence = 7;
    private const int TimeoutMs = 1000;
    private const long Version = 123_456;

    private readonly byte[] _key = MicroData.Key(42);
    private readonly AnswerWriter _output = new();
    private readonly FrameWriter _calls = new(usualBytes: 1024, keptBytes: int.MaxValue);
    private readonly ReadMemoryTransport _input = new();
    private TBinaryProtocol _writer = null!;
    private TBinaryProtocol _reader = null!;
    private byte[] _getCall = null!;
    private byte[] _setCall = null!;
    private byte[] _getAnswer = null!;
    private byte[] _setAnswer = null!;
    private ThriftScanner _scanner;

    [GlobalSetup]
    public void SetUp()
    {
        _reader = new TBinaryProtocol(_input);
        _writer = new TBinaryProtocol(new WriteAnswerTransport { Answers = _output });
        WriteGetOwn();
        _getCall = _calls.Unread.ToArray();
        WriteSetOwn();
        _setCall = _calls.Unread.ToArray();
        PointCodec.WriteGetAnswer(_output, "get"u8, Sequence, MicroData.Value, Version);
        _getAnswer = Taken();
        PointCodec.WriteDoneAnswer(_output, "setKey"u8, Sequence, Version);
        _setAnswer = Taken();
        Check(_getCall, () => WriteGetApache());
        Check(_setCall, () => WriteSetApache());
        Check(_getAnswer, () => WriteGetAnswerApache());
        Check(_setAnswer, () => WriteSetAnswerApache());
    }

    [Benchmark(Baseline = true), BenchmarkCategory(WriteGet)]
    public int WriteGetOwn()
    {
        _calls.Clear();
        _calls.BeginCall("get"u8, Sequence);
        _calls.Binary(1, _key);
        _calls.I32(100, (int)ReadConsistency.LOCAL);
        _calls.I32(102, TimeoutMs);
        return _calls.EndBody();
    }

    [Benchmark, BenchmarkCategory(WriteGet)]
    public int WriteGetApache()
    {
        var request = new GetRequest(_key) { Consistency = ReadConsistency.LOCAL, TimeoutMs = TimeoutMs };
        return WriteCall("get", new TransactionalKV.InternalStructs.get_args { Request = request });
    }

    [Benchmark(Baseline = true), BenchmarkCategory(ReadGet)]
    public int ReadGetOwn()
    {
        // Includes the scanner, which finds the end of the message and validates its structure.
        _scanner.Reset(MaxMessageBytes);
        _scanner.Feed(_getCall);
        var message = RequestMessage.Parse(_getCall, 0);
        return PointCodec.ReadGet(in message).Key.Length;
    }

    [Benchmark, BenchmarkCategory(ReadGet)]
    public int ReadGetApache() =>
        ReadCall(_getCall, new TransactionalKV.InternalStructs.get_args()).Request!.Key!.Length;

    [Benchmark(Baseline = true), BenchmarkCategory(WriteSet)]
    public int WriteSetOwn()
    {
        _calls.Clear();
        _calls.BeginCall("setKey"u8, Sequence);
        _calls.Binary(1, _key);
        _calls.Binary(2, MicroData.Value);
        _calls.I64(100, 1);
        _calls.I64(101, 2);
        _calls.I64(102, 1);
        _calls.I32(103, TimeoutMs);
        return _calls.EndBody();
    }

    [Benchmark, BenchmarkCategory(WriteSet)]
    public int WriteSetApache()
    {
        var request = new SetRequest(_key, MicroData.Value)
        {
            ClientId = 1,
            Sequence = 2,
            AcknowledgedBelow = 1,
            TimeoutMs = TimeoutMs,
        };
        return WriteCall("setKey", new TransactionalKV.InternalStructs.setKey_args { Request = request });
    }

    [Benchmark(Baseline = true), BenchmarkCategory(ReadSet)]
    public int ReadSetOwn()
    {
        _scanner.Reset(MaxMessageBytes);
        _scanner.Feed(_setCall);
        var message = RequestMessage.Parse(_setCall, 0);
        return PointCodec.ReadSet(in message).Value.Length;
    }

    [Benchmark, BenchmarkCategory(ReadSet)]
    public int ReadSetApache() =>
        ReadCall(_setCall, new TransactionalKV.InternalStructs.setKey_args()).Request!.Value!.Length;

    [Benchmark(Baseline = true), BenchmarkCategory(WriteGetAnswer)]
    public int WriteGetAnswerOwn()
    {
        _output.Clear();
        PointCodec.WriteGetAnswer(_output, "get"u8, Sequence, MicroData.Value, Version);
        return _output.Length;
    }

    [Benchmark, BenchmarkCategory(WriteGetAnswer)]
    public int WriteGetAnswerApache()
    {
        _output.Clear();
        var response = new GetResponse(MicroData.Value, true) { Version = Version };
        ThriftCodec.Current.WriteReply(_output, "get"u8, Sequence, response);
        return _output.Length;
    }

    [Benchmark(Baseline = true), BenchmarkCategory(ReadGetAnswer)]
    public int ReadGetAnswerOwn()
    {
        // The client copies the parts of an answer that it keeps, and so does the generated code.
        ThriftReader reader = BeginAnswer(_getAnswer);
        byte[] value = [];
        bool found = false;
        long version = 0;
        while (reader.NextField(out ThriftType type, out short id))
        {
            switch (id, type)
            {
                case (1, ThriftType.String):
                    value = reader.BinaryArray();
                    break;
                case (2, ThriftType.Bool):
                    found = reader.Bool();
                    break;
                case (102, ThriftType.I64):
                    version = reader.I64();
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }

        return found && version == Version ? value.Length : 0;
    }

    [Benchmark, BenchmarkCategory(ReadGetAnswer)]
    public int ReadGetAnswerApache() =>
        ReadCall(_getAnswer, new TransactionalKV.InternalStructs.get_result()).Success!.Value!.Length;

    [Benchmark(Baseline = true), BenchmarkCategory(WriteSetAnswer)]
    public int WriteSetAnswerOwn()
    {
        _output.Clear();
        PointCodec.WriteDoneAnswer(_output, "setKey"u8, Sequence, Version);
        return _output.Length;
    }

    [Benchmark, BenchmarkCategory(WriteSetAnswer)]
    public int WriteSetAnswerApache()
    {
        _output.Clear();
        ThriftCodec.Current.WriteReply(_output, "setKey"u8, Sequence, new SetResponse(true) { Version = Version });
        return _output.Length;
    }

    [Benchmark(Baseline = true), BenchmarkCategory(ReadSetAnswer)]
    public bool ReadSetAnswerOwn()
    {
        ThriftReader reader = BeginAnswer(_setAnswer);
        bool success = false;
        long version = 0;
        while (reader.NextField(out ThriftType type, out short id))
        {
            switch (id, type)
            {
                case (1, ThriftType.Bool):
                    success = reader.Bool();
                    break;
                case (102, ThriftType.I64):
                    version = reader.I64();
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }

        return success && version == Version;
    }

    [Benchmark, BenchmarkCategory(ReadSetAnswer)]
    public bool ReadSetAnswerApache() =>
        ReadCall(_setAnswer, new TransactionalKV.InternalStructs.setKey_result()).Success!.Success;

    private static ThriftReader BeginAnswer(byte[] message)
    {
        var reader = new ThriftReader(message);
        reader.MessageHeader(out _, out _);
        reader.NextField(out _, out _);
        return reader;
    }

    /// <summary>In memory everything completes synchronously.</summary>
    private int WriteCall(string name, TBase arguments)
    {
        _output.Clear();
        var message = new TMessage(name, TMessageType.Call, Sequence);
        _writer.WriteMessageBeginAsync(message, default).GetAwaiter().GetResult();
        arguments.WriteAsync(_writer, default).GetAwaiter().GetResult();
        return _output.Length;
    }

    [SuppressMessage("Reliability", "CA2012", Justification = "Over memory it has completed.")]
    private T ReadCall<T>(byte[] message, T into)
        where T : TBase
    {
        _input.Reset(message);
        _reader.ReadMessageBeginAsync(default).GetAwaiter().GetResult();
        into.ReadAsync(_reader, default).GetAwaiter().GetResult();
        return into;
    }

    private byte[] Taken()
    {
        byte[] taken = _output.Unsent.ToArray();
        _output.Clear();
        return taken;
    }

    private void Check(byte[] own, Action writeApache)
    {
        writeApache();
        if (!own.AsSpan().SequenceEqual(Taken()))
        {
            throw new InvalidOperationException("the hand-written encoding differs from Apache's");
        }
    }
}
