using System.Text;
using KvCloud.Bench.Load;
using KvCloud.Bench.Wire;
using KvCloud.Protocol;
using KvCloud.Protocol.Wire;
using Thrift.Protocol;
using Thrift.Protocol.Entities;
using Thrift.Transport.Client;

namespace KvCloud.Tests.Bench;

/// <summary>What the generator writes by hand is read by Apache's generated code, and the other way round.</summary>
public sealed class ThriftProtocolTests
{
    private static readonly byte[] SomeKey = Encoding.ASCII.GetBytes("k000000000000042");
    private static readonly byte[] SomeValue = [.. Enumerable.Range(0, 100).Select(i => (byte)i)];

    [Fact]
    public async Task Write_of_a_set_is_read_by_the_generated_server()
    {
        var args = new TransactionalKV.InternalStructs.setKey_args();
        TMessage message = await ReadCallAsync(
            new WireBuffer(),
            new WireCall { Kind = CallKind.Set, Keys = SomeKey, KeySizeBytes = 16, Value = SomeValue }, args);

        Assert.Equal("setKey", message.Name);
        Assert.Equal(7, message.SeqID);
        Assert.Equal(SomeKey, args.Request!.Key);
        Assert.Equal(SomeValue, args.Request.Value);
    }

    [Theory]
    [InlineData(CallKind.GetLocal, ReadConsistency.LOCAL)]
    [InlineData(CallKind.GetLeader, ReadConsistency.LEADER)]
    [InlineData(CallKind.GetReadIndex, ReadConsistency.READ_INDEX)]
    internal async Task Write_of_a_get_names_its_consistency(CallKind kind, ReadConsistency consistency)
    {
        var args = new TransactionalKV.InternalStructs.get_args();
        TMessage message = await ReadCallAsync(
            new WireBuffer(), new WireCall { Kind = kind, Keys = SomeKey, KeySizeBytes = 16 }, args);

        Assert.Equal("get", message.Name);
        Assert.Equal(SomeKey, args.Request!.Key);
        Assert.Equal(consistency, args.Request.Consistency);
    }

    [Fact]
    public async Task Write_of_a_range_has_bounds_and_limit()
    {
        var args = new TransactionalKV.InternalStructs.getRange_args();
        byte[] end = Encoding.ASCII.GetBytes("k000000000000052");
        await ReadCallAsync(
            new WireBuffer(),
            new WireCall { Kind = CallKind.Range, Keys = SomeKey, KeySizeBytes = 16, EndKey = end, Limit = 10 },
            args);

        Assert.Equal(SomeKey, args.Request!.BeginKey);
        Assert.Equal(end, args.Request.EndKey);
        Assert.Equal(10, args.Request.Limit);
    }

    [Fact]
    public async Task Write_of_a_commit_has_every_set()
    {
        var args = new TransactionalKV.InternalStructs.atomicCommit_args();
        byte[] keys = [.. SomeKey, .. Encoding.ASCII.GetBytes("k000000000000043")];
        await ReadCallAsync(
            new WireBuffer(),
            new WireCall { Kind = CallKind.Commit, Keys = keys, KeySizeBytes = 16, Value = SomeValue }, args);

        Assert.Equal(2, args.Request!.Operations!.Count);
        Assert.All(args.Request.Operations, operation => Assert.Equal("set", operation.Type));
        Assert.Equal(keys[16..], args.Request.Operations[1].Key);
        Assert.Empty(args.Request.ReadConflictKeys!);
    }

    [Fact]
    public async Task Read_of_replies_in_pieces_has_each_once()
    {
        var set = new TransactionalKV.InternalStructs.setKey_result { Success = new SetResponse(true) { Version = 9 } };
        var get = new TransactionalKV.InternalStructs.get_result
        {
            Success = new GetResponse(
            SomeValue, true)
            { Version = 9 }
        };
        var missing = new TransactionalKV.InternalStructs.get_result { Success = new GetResponse([], false) };
        var refused = new TransactionalKV.InternalStructs.setKey_result
        {
            Success = new SetResponse(false)
            {
                Error = "Not leader",
                ErrorCode = "NOT_LEADER",
                Code = ErrorCode.NOT_LEADER,
                LeaderEndpoint = "x:1",
            },
        };
        byte[] replies =
        [
            .. await ReplyAsync("setKey", 0, set), .. await ReplyAsync("get", 1, get),
            .. await ReplyAsync("get", 2, missing), .. await ReplyAsync("setKey", 3, refused),
        ];

        for (int piece = 1; piece <= replies.Length; piece++)
        {
            var protocol = new ThriftProtocol();
            var input = new WireBuffer();
            var answers = new List<WireAnswer>();
            for (int at = 0; at < replies.Length; at += piece)
            {
                input.Write(replies.AsSpan(at, Math.Min(piece, replies.Length - at)));
                protocol.Read(input, answers, new WireBuffer());
            }

            Assert.Equal([0, 1, 2, 3], answers.Select(answer => answer.Token));
            Assert.Equal(
                [CallStatus.Ok, CallStatus.Ok, CallStatus.NotFound, CallStatus.NotLeader],
                answers.Select(answer => answer.Status));
            Assert.Equal("Not leader", answers[3].Error);
            Assert.Equal(0, input.Length);
        }
    }

    [Fact]
    public void Read_of_something_else_is_refused()
    {
        var input = new WireBuffer();
        input.Write("HTTP/1.1 400 Bad Request"u8);

        Assert.Throws<WireException>(() => new ThriftProtocol().Read(input, [], new WireBuffer()));
    }

    private static Task<TMessage> ReadCallAsync(WireBuffer output, in WireCall call, TBase args)
    {
        new ThriftProtocol().Write(call, 7, output);
        return ReadAsync(output.Unread.ToArray(), args);
    }

    private static async Task<TMessage> ReadAsync(byte[] bytes, TBase args)
    {
        using var transport = new TMemoryBufferTransport(bytes, new Thrift.TConfiguration());
        using var protocol = new TBinaryProtocol(transport);
        TMessage message = await protocol.ReadMessageBeginAsync(CancellationToken.None);
        await args.ReadAsync(protocol, CancellationToken.None);
        Assert.Equal(bytes.Length, transport.Position);
        return message;
    }

    private static async Task<byte[]> ReplyAsync(string method, int sequence, TBase result)
    {
        using var transport = new TMemoryBufferTransport(new Thrift.TConfiguration());
        using var protocol = new TBinaryProtocol(transport);
        await protocol.WriteMessageBeginAsync(
            new TMessage(method, TMessageType.Reply, sequence), CancellationToken.None);
        await result.WriteAsync(protocol, CancellationToken.None);
        await protocol.Transport.FlushAsync(CancellationToken.None);
        return transport.GetBuffer()[..(int)transport.Length];
    }
}
