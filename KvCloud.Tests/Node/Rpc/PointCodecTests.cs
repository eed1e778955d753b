using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using KvCloud.Protocol.Wire;
using Thrift.Protocol;
using static KvCloud.Tests.Node.Rpc.ServiceTests;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>The codec by hand against Apache's own.</summary>
public sealed class PointCodecTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WriteGetAnswer_and_WriteDoneAnswer_of_any_answer_are_byte_for_byte_what_apache_writes(bool isFramed)
    {
        byte[][] values = [[], [1], new byte[100], new byte[5_000], new byte[200_000]];
        foreach (byte[] value in values)
        {
            byte[] byHand = Written(isFramed, output => PointCodec.WriteGetAnswer(output, "get"u8, 77, value, 12_345));
            byte[] apache = Written(isFramed, output => ThriftCodec.Current.WriteReply(
                output, "get"u8, 77, new GetResponse(value, true) { Version = 12_345 }));
            Assert.Equal(apache, byHand);
        }

        Assert.Equal(
            Written(
                isFramed, output => ThriftCodec.Current.WriteReply(output, "get"u8, -1, new GetResponse([], false))),
            Written(isFramed, output => PointCodec.WriteGetAnswer(output, "get"u8, -1, null, 0)));
        Assert.Equal(
            Written(isFramed, output => ThriftCodec.Current.WriteReply(
                output, "setKey"u8, 5, new SetResponse(true) { Version = 9 })),
            Written(isFramed, output => PointCodec.WriteDoneAnswer(output, "setKey"u8, 5, 9)));
        Assert.Equal(
            Written(isFramed, output => ThriftCodec.Current.WriteReply(
                output, "deleteKey"u8, 5, new DeleteResponse(true) { Version = 9 })),
            Written(isFramed, output => PointCodec.WriteDoneAnswer(output, "deleteKey"u8, 5, 9)));
    }

    [Fact]
    public void ReadSet_and_others_of_any_request_read_it_as_apache_does()
    {
        var random = new Random(7);
        for (int i = 0; i < 500; i++)
        {
            var set = new SetRequest(Bytes(random), Bytes(random));
            var get = new GetRequest(Bytes(random));
            var delete = new DeleteRequest(Bytes(random));
            Maybe(random, () => set.ColumnFamily = get.ColumnFamily = delete.ColumnFamily = "cf" + i);
            Maybe(random, () => set.ClientId = delete.ClientId = random.NextInt64());
            Maybe(random, () => set.Sequence = delete.Sequence = random.NextInt64());
            Maybe(random, () => set.AcknowledgedBelow = delete.AcknowledgedBelow = random.NextInt64());
            Maybe(random, () => set.TimeoutMs = get.TimeoutMs = delete.TimeoutMs = random.Next());
            Maybe(random, () => get.Consistency = (ReadConsistency)random.Next(3));
            Maybe(random, () => get.MaxStalenessMs = random.Next());

            PointCodec.SetArguments readSet = PointCodec.ReadSet(Parse("setKey", set));
            Assert.Equal(set.Key, readSet.Key.ToArray());
            Assert.Equal(set.Value, readSet.Value.ToArray());
            Assert.Equal(set.ColumnFamily, readSet.ColumnFamily);
            Assert.Equal(set.__isset.client_id ? set.ClientId : null, readSet.ClientId);
            Assert.Equal(set.__isset.sequence ? set.Sequence : null, readSet.Sequence);
            Assert.Equal(set.__isset.acknowledged_below ? set.AcknowledgedBelow : null, readSet.AcknowledgedBelow);
            Assert.Equal(set.__isset.timeout_ms ? set.TimeoutMs : null, readSet.TimeoutMs);

            PointCodec.GetArguments readGet = PointCodec.ReadGet(Parse("get", get));
            Assert.Equal(get.Key, readGet.Key.ToArray());
            Assert.Equal(get.ColumnFamily, readGet.ColumnFamily);
            Assert.Equal(get.__isset.consistency ? get.Consistency : null, readGet.Consistency);
            Assert.Equal(get.__isset.max_staleness_ms ? get.MaxStalenessMs : null, readGet.MaxStalenessMs);
            Assert.Equal(get.__isset.timeout_ms ? get.TimeoutMs : null, readGet.TimeoutMs);

            PointCodec.SetArguments readDelete = PointCodec.ReadDelete(Parse("deleteKey", delete));
            Assert.Equal(delete.Key, readDelete.Key.ToArray());
            Assert.Equal(delete.ColumnFamily, readDelete.ColumnFamily);
            Assert.Equal(delete.__isset.client_id ? delete.ClientId : null, readDelete.ClientId);
        }
    }

    [Fact]
    public void ReadGet_unknown_fields_are_skipped_and_missing_ones_named()
    {
        // What a later version of the contract might send: fields of every shape, and a key among them.
        var commit = new AtomicCommitRequest(1, [Operation("set", "a", "b")], [Key("x")]);
        Assert.Contains("'key'",
            Assert.Throws<ThriftContentException>(() => PointCodec.ReadGet(Parse("get", commit))).Message,
            StringComparison.Ordinal);
        var stats = new DatabaseStats(1, 2, 3, 4, 5.5, 6, 7, 8) { Details = new() { ["a"] = 1 } };
        Assert.Throws<ThriftContentException>(() => PointCodec.ReadSet(Parse("setKey", stats)));
        var keyValue = new KeyValue(Key("k"), Key("v")) { Version = 3 };
        Assert.Equal(Key("k"), PointCodec.ReadGet(Parse("get", new SnapshotReadRequest(Key("k"), 5))).Key.ToArray());
        Assert.Equal(Key("v"), PointCodec.ReadSet(Parse("setKey", keyValue)).Value.ToArray());
    }

    [Fact]
    public void MessageReader_of_every_kind_of_message_in_any_pieces_finds_its_end()
    {
        Thrift.Protocol.TBase[] requests =
        [
            new PingRequest(),
            new GetRangeRequest { BeginKey = Key("a"), Limit = 5 },
            new AtomicCommitRequest(1, [Operation("set", "a", "b"), Operation("delete", "c", null)], [Key("x"), []])
            {
                ReadConflictRanges = [new ReadConflictRange(Key("a")) { EndKey = Key("b") }],
                ReadConflicts = [],
            },
            new DatabaseStats(1, 2, 3, 4, 5.5, 6, 7, 8) { Details = new() { ["a"] = 1, ["b"] = 2 } },
            new ClusterHealth([new NodeStatus(1, "e", "s", true, 2, 3)], 1, 1, "x", 4),
        ];
        foreach (TBase request in requests)
        {
            byte[] message = RawClient.Message("method", 1, request);
            byte[] stream = [.. message, .. message];
            foreach (int piece in (int[])[1, 2, 3, 7, stream.Length])
            {
                Assert.Equal(message.Length, FirstMessage(stream, piece));
            }
        }
    }

    private static int FirstMessage(byte[] stream, int piece)
    {
        var scanner = default(ThriftScanner);
        scanner.Reset(1_000_000);
        int at = 0;
        while (!scanner.IsComplete)
        {
            Assert.Null(scanner.Error);
            at += scanner.Feed(stream.AsSpan(at, Math.Min(piece, stream.Length - at)));
        }

        Assert.Equal(at, scanner.Consumed);
        return at;
    }

    private static byte[] Written(bool isFramed, Action<AnswerWriter> write)
    {
        var output = new AnswerWriter { IsFramed = isFramed };
        write(output);
        return output.Unsent.ToArray();
    }

    private static RequestMessage Parse(string method, Thrift.Protocol.TBase request) =>
        RequestMessage.Parse(RawClient.Message(method, 1, request), 0);

    private static byte[] Bytes(Random random)
    {
        byte[] bytes = new byte[random.Next(200)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static void Maybe(Random random, Action action)
    {
        if (random.Next(2) == 0)
        {
            action();
        }
    }
}
