using KvCloud.Client;
using KvCloud.Client.Calls;
using KvCloud.Client.Connections;
using KvCloud.Client.Transactions;
using KvCloud.Client.Wire;
using KvCloud.Protocol;
using KvCloud.Protocol.Wire;
using Thrift;
using Thrift.Protocol;
using Thrift.Transport.Client;

namespace KvCloud.Tests.Client;

/// <summary>What is encoded and decoded by hand against what the generated classes read and write.</summary>
public sealed class WireTests
{
    [Fact]
    public async Task CommitCall_every_field_is_read_by_the_generated_class()
    {
        var session = new WriteSession(77);
        Assert.True(session.TryTake(out WriteIdentity identity));
        var call = new CommitCall(
            41,
            [
                new BufferedWrite(WriteKind.Set, null, [1], [2]),
                new BufferedWrite(WriteKind.Delete, "cf", [3], []),
                new BufferedWrite(WriteKind.VersionstampedKey, null, new byte[12], [5]),
                new BufferedWrite(WriteKind.VersionstampedValue, null, [6], new byte[10]),
            ],
            [new ReadKey(null, [7]), new ReadKey("cf", [8])],
            [new ReadRange(null, [9], null), new ReadRange("cf", [10], [11])]);

        AtomicCommitRequest read = await ReadAsync<AtomicCommitRequest>(call, new AttemptFields(2500, identity));

        Assert.Equal(41, read.ReadVersion);
        Assert.Equal(3, read.TimeoutSeconds);
        Assert.Equal(2500, read.TimeoutMs);
        Assert.Equal((77, 1, 1), (read.ClientId, read.Sequence, read.AcknowledgedBelow));
        Assert.Equal(
            ["set", "delete", "SET_VERSIONSTAMPED_KEY", "SET_VERSIONSTAMPED_VALUE"],
            read.Operations!.Select(operation => operation.Type));
        Assert.False(read.Operations![1].__isset.value);
        Assert.Equal("cf", read.Operations![1].ColumnFamily);
        Assert.Equal([7], Assert.Single(read.ReadConflictKeys!));
        Assert.Equal([8], Assert.Single(read.ReadConflicts!).Key);
        Assert.Null(read.ReadConflictRanges![0].EndKey);
        Assert.Equal([11], read.ReadConflictRanges![1].EndKey!);
    }

    [Fact]
    public async Task GetCall_every_field_is_read_by_the_generated_class()
    {
        var call = new GetCall(new byte[] { 1, 2 }, "cf", new ReadFields(ReadConsistency.LOCAL, 250));
        GetRequest read = await ReadAsync<GetRequest>(call, new AttemptFields(99, default));
        Assert.Equal(
            new GetRequest([1, 2])
            {
                ColumnFamily = "cf",
                Consistency = ReadConsistency.LOCAL,
                MaxStalenessMs = 250,
                TimeoutMs = 99,
            },
            read);
    }

    [Fact]
    public async Task RangeCall_open_end_says_so()
    {
        var call = new RangeCall(new PageBounds(new byte[] { 1 }, false, null, 7, 8), null, default);
        GetRangeRequest read = await ReadAsync<GetRangeRequest>(call, new AttemptFields(1, default));
        Assert.True(read.ToEndOfKeyspace);
        Assert.False(read.__isset.end_key);
        Assert.False(read.BeginOrEqual);
        Assert.Equal((7, 8), (read.Limit, read.LimitBytes));
    }

    [Fact]
    public async Task FaultCall_every_field_is_read_by_the_generated_class()
    {
        FaultInjectionRequest read = await ReadAsync<FaultInjectionRequest>(
            new FaultCall("CONFLICT", 0.25, 12, "set"), default);
        Assert.Equal(
            new FaultInjectionRequest("CONFLICT") { Probability = 0.25, DurationMs = 12, TargetOperation = "set" },
            read);
    }

    [Fact]
    public async Task Reply_unknown_fields_are_skipped()
    {
        byte[] frame = await FrameAsync(new SetResponse(true) { Version = 5, Code = ErrorCode.OK });
        Reply reply = Read([.. frame[..^2], .. Extra(), 0, 0], ReplyLayout.Status);
        Assert.Equal((ErrorCode.OK, true, 5L), (reply.Code, reply.Flag, reply.Number));

        // A map of lists of structs, numbered as no field of ours is.
        static byte[] Extra() =>
        [
            13, 0x0f, 0xff, 11, 15, 0, 0, 0, 1, 0, 0, 0, 1, (byte)'k', 12, 0, 0, 0, 2, 6, 0, 1, 0, 9, 0, 4, 0, 1,
            0, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
    }

    [Theory]
    [InlineData("Not leader, try elsewhere", null, ErrorCode.NOT_LEADER)]
    [InlineData("anything", "CONFLICT", ErrorCode.CONFLICT)]
    [InlineData("anything", null, ErrorCode.INTERNAL)]
    [InlineData("anything", "NO_SUCH_CODE", ErrorCode.INTERNAL)]
    public async Task Reply_from_an_old_server_is_understood_by_its_text(string error, string? code, ErrorCode expected)
    {
        var response = new SetResponse(false) { Error = error };
        if (code is not null)
        {
            response.ErrorCode = code;
        }

        Assert.Equal(expected, Read(await FrameAsync(response), ReplyLayout.Status).Code);
    }

    [Fact]
    public async Task Reply_cut_short_or_damaged_is_always_a_wire_format_exception()
    {
        byte[] frame = await FrameAsync(
            new GetRangeResponse([new KeyValue([1, 2], [3, 4]) { Version = 7 }, new KeyValue([5], [])], true, false)
            {
                Code = ErrorCode.OK,
                Version = 9,
            });
        Assert.Equal(2, ((KvEntry[])Read(frame, ReplyLayout.Range).Rows!).Length);
        for (int length = 0; length < frame.Length; length++)
        {
            Assert.Throws<WireFormatException>(() => Read(frame[..length], ReplyLayout.Range));
        }

        var random = new Random(1);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] damaged = [.. frame];
            damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            try
            {
                Read(damaged, ReplyLayout.Range);
            }
            catch (WireFormatException)
            {
                // The one exception that damage may raise.
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(70_000)]
    public void ReceiveBuffer_any_chunks_gives_every_frame(int chunk)
    {
        var buffer = new ReceiveBuffer(1_000_000);
        var random = new Random(chunk);
        byte[][] frames =
            [.. Enumerable.Range(0, 40).Select(i => Bytes(random, i % 9 == 8 ? 300_000 : 1 + random.Next(200)))];
        byte[] stream = [.. frames.SelectMany(frame =>
            (byte[])[0, (byte)(frame.Length >> 16), (byte)(frame.Length >> 8), (byte)frame.Length, .. frame])];
        int next = 0;
        int step = chunk == 1 ? 101 : chunk * 37;
        for (int sent = 0; sent < stream.Length;)
        {
            Memory<byte> free = buffer.Free();
            int count = Math.Min(Math.Min(step, free.Length), stream.Length - sent);
            stream.AsSpan(sent, count).CopyTo(free.Span);
            buffer.Advance(count);
            sent += count;
            while (buffer.TryTakeFrame(out ReadOnlyMemory<byte> frame))
            {
                Assert.True(frame.Span.SequenceEqual(frames[next++]));
            }
        }

        Assert.Equal(frames.Length, next);
    }

    [Fact]
    public void WriteSession_finished_out_of_order_acknowledges_only_what_is_complete()
    {
        var session = new WriteSession(1);
        WriteIdentity[] taken = [.. Enumerable.Range(0, WriteSession.WindowSize).Select(_ => Take(session))];
        Assert.False(session.TryTake(out _));
        Assert.Equal(WriteSession.WindowSize, taken[^1].Sequence);

        foreach (WriteIdentity identity in taken.Skip(1).Reverse())
        {
            session.Finish(identity.Sequence);
            Assert.Equal(1, session.AcknowledgedBelow);
            Assert.False(session.TryTake(out _));
        }

        session.Finish(1);
        Assert.Equal(WriteSession.WindowSize + 1, session.AcknowledgedBelow);
        Assert.Equal(WriteSession.WindowSize + 1, Take(session).Sequence);
        session.Expire();
        Assert.False(session.TryTake(out _));
    }

    private static WriteIdentity Take(WriteSession session)
    {
        Assert.True(session.TryTake(out WriteIdentity identity));
        return identity;
    }

    private static byte[] Bytes(Random random, int size)
    {
        byte[] bytes = new byte[size];
        random.NextBytes(bytes);
        return bytes;
    }

    private static Reply Read(byte[] frame, ReplyLayout layout)
    {
        var reader = new ThriftReader(frame);
        ThriftMessageKind kind = reader.MessageHeader(out _, out _);
        return ReplyReader.ReadBody(ref reader, frame, kind, layout);
    }

    private static async Task<byte[]> FrameAsync(TBase response)
    {
        using var transport = new TMemoryBufferTransport(new TConfiguration());
        using var protocol = new TBinaryProtocol(transport);
        await protocol.WriteMessageBeginAsync(
            new Thrift.Protocol.Entities.TMessage("call", Thrift.Protocol.Entities.TMessageType.Reply, 3), default);
        await protocol.WriteFieldBeginAsync(
            new Thrift.Protocol.Entities.TField("success", Thrift.Protocol.Entities.TType.Struct, 0), default);
        await response.WriteAsync(protocol, default);
        await protocol.WriteFieldStopAsync(default);
        await transport.FlushAsync(default);
        return transport.GetBuffer();
    }

    private static async Task<T> ReadAsync<T>(IRequest request, AttemptFields attempt)
        where T : TBase, new()
    {
        var writer = new FrameWriter(16, int.MaxValue) { IsFramed = true };
        writer.BeginCall("anything"u8, 5);
        request.Write(writer, in attempt);
        writer.EndBody();
        using var transport = new TMemoryBufferTransport(writer.Unread[4..].ToArray(), new TConfiguration());
        using var protocol = new TBinaryProtocol(transport);
        Thrift.Protocol.Entities.TMessage message = await protocol.ReadMessageBeginAsync(default);
        Assert.Equal(("anything", 5), (message.Name, message.SeqID));
        await protocol.ReadFieldBeginAsync(default);
        var read = new T();
        await read.ReadAsync(protocol, default);
        Assert.Equal(
            Thrift.Protocol.Entities.TType.Stop, (await protocol.ReadFieldBeginAsync(default)).Type);
        return read;
    }
}
