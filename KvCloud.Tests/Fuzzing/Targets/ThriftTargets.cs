using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using KvCloud.Client.Wire;
using KvCloud.Node.Replication.Fairness;
using KvCloud.Node.Rpc;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Flows;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using KvCloud.Protocol.Wire;
using KvCloud.Tests.Node.Replication;
using KvCloud.Tests.Node.Rpc;
using Thrift.Protocol;

namespace KvCloud.Tests.Fuzzing.Targets;

/// <summary>What clients send to a node, and what a node answers to a client.</summary>
internal static class ThriftTargets
{
    private const int MaxMessageBytes = 256 * 1024;

    private static readonly RpcLimits Limits = new() { MaxMessageBytes = MaxMessageBytes };

    private static readonly Dictionary<string, ReadArguments> Methods = typeof(TransactionalKV.IAsync).GetMethods()
        .ToDictionary(method => method.Name, method => ReaderOf(method.GetParameters()[0].ParameterType));

    private delegate TBase ReadArguments(ThriftCodec codec, in RequestMessage message);

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("thrift-calls", [.. Calls(), .. Calls().Select(RawClient.Frame)], Call)
        {
            Words = [.. Methods.Keys.Select(Encoding.UTF8.GetBytes), [0x80, 1, 0, 1], [12, 0, 1], [15, 0, 2, 12], [0]],
            Repair = RepairFrame,
        },
        new("thrift-answers", [.. Answers()], Answer)
        {
            Words = [[0x80, 1, 0, 2], [12, 0, 0], [11, 0, 3], [0]],
        },
    ];

    /// <summary>Whether a connection would take the bytes as one whole unframed call, and wait for the next.</summary>
    public static bool IsWholeCall(byte[] input)
    {
        var scanner = default(ThriftScanner);
        scanner.Reset(MaxMessageBytes);
        return scanner.Feed(input) == input.Length && scanner is { IsComplete: true, Error: null };
    }

    /// <summary>
    /// As a connection takes them: bytes that come in pieces, whole messages, and the arguments of each method.
    /// </summary>
    private static bool Call(byte[] input)
    {
        var clock = new ManualClock();
        var flow = new RpcFlow(new Flow("fuzzer"), Limits, clock, new FlowTurns(() => 1));
        var budget = new RpcBudget(Limits);
        var messages = new MessageReader(Limits, budget, flow, clock);
        int read = 0;
        int piece = input.Length == 0 ? 0 : Math.Max(1, input[^1] * input.Length / 128);
        for (int end = Math.Min(piece, input.Length); messages.Error is null; end = Math.Min(end + piece, input.Length))
        {
            var buffer = new ReadOnlySequence<byte>(input.AsMemory(read, end - read));
            while (messages.TryRead(ref buffer, 0, out RequestMessage message))
            {
                Dispatch(in message);
                messages.Release();
            }

            read = end - (int)buffer.Length;
            if (end == input.Length)
            {
                break;
            }
        }

        messages.Release();
        Require(budget.Bytes == 0 && flow.Bytes == 0, "bytes of a message stay reserved");
        return messages.Error is null;
    }

    private static void Dispatch(in RequestMessage message)
    {
        if (!Methods.TryGetValue(Encoding.UTF8.GetString(message.MethodName), out ReadArguments? read))
        {
            return;
        }

        bool isGenerated;
        try
        {
            read(ThriftCodec.Current, in message);
            isGenerated = true;
        }
        catch (ThriftContentException)
        {
            isGenerated = false;
        }

        bool isByHand;
        try
        {
            if (message.MethodName.SequenceEqual("get"u8))
            {
                PointCodec.ReadGet(in message);
            }
            else if (message.MethodName.SequenceEqual("setKey"u8))
            {
                PointCodec.ReadSet(in message);
            }
            else if (message.MethodName.SequenceEqual("deleteKey"u8))
            {
                PointCodec.ReadDelete(in message);
            }
            else
            {
                return;
            }

            isByHand = true;
        }
        catch (ThriftContentException)
        {
            isByHand = false;
        }

        Require(
            isByHand == isGenerated,
            $"the codec written by hand accepts it: {isByHand}, the generated one: {isGenerated}");
    }

    /// <summary>As the client library reads them, in the layout of each method.</summary>
    private static bool Answer(byte[] input)
    {
        bool isAccepted = false;
        foreach (ReplyLayout layout in Enum.GetValues<ReplyLayout>())
        {
            try
            {
                var reader = new ThriftReader(input);
                ThriftMessageKind kind = reader.MessageHeader(out _, out _);
                ReplyReader.ReadBody(ref reader, input, kind, layout);
                isAccepted = true;
            }
            catch (WireFormatException)
            {
                // The one that a malformed answer has.
            }
        }

        return isAccepted;
    }

    private static void Require(bool condition, string otherwise)
    {
        if (!condition)
        {
            throw new InvalidOperationException(otherwise);
        }
    }

    private static ReadArguments ReaderOf(Type request) =>
        typeof(ThriftCodec).GetMethod(nameof(ThriftCodec.ReadRequest))!.MakeGenericMethod(request)
            .CreateDelegate<ReadArguments>();

    /// <summary>A call of each method whose request has every field.</summary>
    private static IEnumerable<byte[]> Calls() =>
        from method in typeof(TransactionalKV.IAsync).GetMethods()
        let request = (TBase)SampleStructs.Make(method.GetParameters()[0].ParameterType)
        select RawClient.Message(method.Name, 7, request);

    /// <summary>An answer of each method, in which every field is set.</summary>
    private static IEnumerable<byte[]> Answers() =>
        from method in typeof(TransactionalKV.IAsync).GetMethods()
        select Reply(method.Name, (TBase)SampleStructs.Make(method.ReturnType.GetGenericArguments()[0]));

    private static byte[] Reply(string method, TBase response)
    {
        var output = new AnswerWriter();
        ThriftCodec.Current.WriteReply(output, Encoding.UTF8.GetBytes(method), 7, response);
        return output.Unsent.ToArray();
    }

    /// <summary>A frame whose length does not fit is closed at once: make it fit.</summary>
    private static byte[] RepairFrame(byte[] input)
    {
        if (input.Length > 4 && input[0] == 0)
        {
            BinaryPrimitives.WriteInt32BigEndian(input, input.Length - 4);
        }

        return input;
    }
}
