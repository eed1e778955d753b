using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using KvCloud.Node.Rpc;
using KvCloud.Protocol;
using Thrift;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>How calls come in and answers leave, on a real Kestrel and real sockets.</summary>
public sealed class ConnectionTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RpcConnection_call_framed_or_unframed_is_answered_in_kind(bool isFramed)
    {
        await using RpcTestHost host = await RpcTestHost.StartAsync(new EchoDispatcher());
        using var client = RawClient.Connect(host.Port, isFramed);

        client.Send(RawClient.Ping(7, "hello"));

        Assert.Equal((7, "hello"), await client.ReceivePingAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RpcConnection_calls_pipelined_are_all_answered_in_order(bool isFramed)
    {
        const int calls = 1_000;
        await using RpcTestHost host = await RpcTestHost.StartAsync(new EchoDispatcher());
        using var client = RawClient.Connect(host.Port, isFramed);

        for (int i = 0; i < calls; i++)
        {
            // Every third is answered from another thread, so that direct and queued answers mix.
            client.Send(RawClient.Ping(i, (i % 3 == 0 ? "pool" : "echo") + i));
        }

        for (int i = 0; i < calls; i++)
        {
            Assert.Equal((i, (i % 3 == 0 ? "pool" : "echo") + i), await client.ReceivePingAsync());
        }

        Assert.Equal(0, host.Budget.Calls);
        Assert.Equal(0, host.Budget.Bytes);
    }

    [Fact]
    public async Task RpcConnection_calls_finished_out_of_order_are_answered_in_request_order()
    {
        var dispatcher = new EchoDispatcher();
        await using RpcTestHost host = await RpcTestHost.StartAsync(dispatcher);
        using var client = RawClient.Connect(host.Port);

        client.Send(RawClient.Ping(1, "hold1"));
        client.Send(RawClient.Ping(2, "echo2"));
        client.Send(RawClient.Ping(3, "hold3"));
        client.Send(RawClient.Ping(4, "echo4"));
        await Eventually(() => dispatcher.Held.ContainsKey("hold3"));
        dispatcher.Held["hold3"].Release();
        await Eventually(() => dispatcher.Held.ContainsKey("echo4"));
        Assert.False(client.Stream.DataAvailable);
        dispatcher.Held["hold1"].Release();

        Assert.Equal((1, "hold1"), await client.ReceivePingAsync());
        Assert.Equal((2, "echo2"), await client.ReceivePingAsync());
        Assert.Equal((3, "hold3"), await client.ReceivePingAsync());
        Assert.Equal((4, "echo4"), await client.ReceivePingAsync());
    }

    [Fact]
    public async Task RpcConnection_answer_to_a_lone_write_takes_nothing_else_onto_its_thread()
    {
        var dispatcher = new EchoDispatcher();
        await using RpcTestHost host = await RpcTestHost.StartAsync(dispatcher);
        using var client = RawClient.Connect(host.Port);
        client.Send(RawClient.Ping(1, "hold1"));
        client.Send(RawClient.Ping(2, "hold2"));
        client.Send(RawClient.Ping(3, "echo3"));
        await Eventually(() => dispatcher.Held.TryGetValue("echo3", out EchoDispatcher.HeldCall? last) && last.IsReady);
        dispatcher.Held["hold2"].Release();
        var replication = new Thread(dispatcher.Held["hold1"].ReleaseAlone);

        replication.Start();
        replication.Join();

        Assert.Equal((1, "hold1"), await client.ReceivePingAsync());
        Assert.Equal((2, "hold2"), await client.ReceivePingAsync());
        Assert.Equal((3, "echo3"), await client.ReceivePingAsync());
        Assert.Same(replication, dispatcher.Held["hold1"].AnsweredBy);
        Assert.NotSame(replication, dispatcher.Held["hold2"].AnsweredBy);
        Assert.NotSame(replication, dispatcher.Held["echo3"].AnsweredBy);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RpcConnection_call_that_comes_byte_by_byte_is_answered(bool isFramed)
    {
        await using RpcTestHost host = await RpcTestHost.StartAsync(new EchoDispatcher());
        using var client = RawClient.Connect(host.Port, isFramed);
        byte[] message = RawClient.Ping(3, "slow");
        if (isFramed)
        {
            message = RawClient.Frame(message);
        }

        foreach (byte value in message)
        {
            client.Stream.WriteByte(value);
            await Task.Yield();
        }

        Assert.Equal((3, "slow"), await client.ReceivePingAsync());
    }

    [Fact]
    public async Task RpcConnection_message_larger_than_many_buffers_is_answered()
    {
        await using RpcTestHost host = await RpcTestHost.StartAsync(new EchoDispatcher());
        using var client = RawClient.Connect(host.Port);
        string text = new string('x', 3_000_000);

        var sending = Task.Run(() => client.Send(RawClient.Ping(1, text)));
        (int _, string? answer) = await client.ReceivePingAsync();
        await sending;

        Assert.Equal(text, answer);
        Assert.Equal(0, host.Budget.Bytes);
    }

    [Fact]
    public async Task RpcConnection_half_close_after_calls_still_gets_the_answers()
    {
        var dispatcher = new EchoDispatcher();
        await using RpcTestHost host = await RpcTestHost.StartAsync(dispatcher);
        using var client = RawClient.Connect(host.Port);

        client.Send(RawClient.Ping(1, "hold1"));
        client.Socket.Shutdown(SocketShutdown.Send);
        await Eventually(() => dispatcher.Held.ContainsKey("hold1"));
        dispatcher.Held["hold1"].Release();

        Assert.Equal((1, "hold1"), await client.ReceivePingAsync());
        Assert.True(await client.IsClosedByServerAsync());
    }

    [Fact]
    public async Task RpcConnection_half_close_never_overtakes_an_answer_that_is_being_sent()
    {
        await using RpcTestHost host = await RpcTestHost.StartAsync(new EchoDispatcher());
        await Parallel.ForAsync(0, 2_000, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (round, _) =>
        {
            using var client = RawClient.Connect(host.Port);
            client.Send(RawClient.Ping(round, $"pool{round}"));
            client.Socket.Shutdown(SocketShutdown.Send);
            Assert.Equal((round, $"pool{round}"), await client.ReceivePingAsync());
        });
    }

    [Fact]
    public async Task RpcConnection_unknown_method_gets_an_exception_and_the_connection_stays()
    {
        await using RpcTestHost host = await RpcTestHost.StartAsync(new EchoDispatcher());
        using var client = RawClient.Connect(host.Port);

        client.Send(RawClient.Message("nonsense", 5, new SetRequest([1], [2]) { ColumnFamily = "x" }));
        client.Send(RawClient.Ping(6, "still here"));

        TApplicationException exception = await Assert.ThrowsAsync<TApplicationException>(client.ReceivePingAsync);
        Assert.Equal(TApplicationException.ExceptionType.UnknownMethod, exception.Type);
        Assert.Contains("nonsense", exception.Message, StringComparison.Ordinal);
        Assert.Equal((6, "still here"), await client.ReceivePingAsync());
    }

    public static TheoryData<string, byte[]> Garbage => new()
    {
        { "neither a strict binary message nor a frame", Encoding.ASCII.GetBytes("\u0000\u0000\u0000\u0000GET") },
        { "frame of 1195725856 bytes", Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\n\r\n") },
        { "not a call", [0x80, 0x01, 0x00, 0x02, 0, 0, 0, 4, 1, 2, 3, 4] },
        { "not a call of the strict binary protocol", [0, 0, 0, 5, 1, 2, 3, 4, 5] },
        { "method name of -1 bytes", [0x80, 0x01, 0, 1, 0xff, 0xff, 0xff, 0xff] },
        { "frame of 2130706433 bytes", [0x7f, 0, 0, 1, 0x80, 1, 0, 1] },
        { "unknown field type 99", Call([99, 0, 1]) },
        { "string of -2 bytes", Call([11, 0, 1, 0xff, 0xff, 0xff, 0xfe]) },
        { "message larger than", Call([11, 0, 1, 0x7f, 0xff, 0xff, 0xff]) },
        { "container of 2147483647 elements", Call([15, 0, 1, 11, 0x7f, 0xff, 0xff, 0xff]) },
        { "message larger than", Call([15, 0, 1, 10, 0, 3, 0, 0, 15, 0, 1, 10, 0, 3, 0, 0]) },
        { "nested deeper than 16", Call([.. Enumerable.Repeat<byte[]>([12, 0, 1], 20).SelectMany(level => level)]) },
        { "frame of 40 bytes around a message of", [0, 0, 0, 40, .. RawClient.Ping(1, ""), .. new byte[40]] },
        { "message larger than 20 bytes", [0, 0, 0, 20, .. RawClient.Ping(1, "longer than the frame")] },
        { "the connection ended in the middle of a message", RawClient.Ping(1, "half")[..20] },
    };

    [Theory]
    [MemberData(nameof(Garbage))]
    public async Task RpcConnection_garbage_closes_its_connection_with_a_log_line_and_harms_nobody(
        string reason, byte[] garbage)
    {
        await using RpcTestHost host = await RpcTestHost.StartAsync(
            new EchoDispatcher(), new RpcLimits { MaxMessageBytes = 1_000_000 });
        using var bystander = RawClient.Connect(host.Port);
        bystander.Send(RawClient.Ping(1, "before"));
        await bystander.ReceivePingAsync();
        using var client = RawClient.Connect(host.Port);

        client.Stream.Write(garbage);
        client.Socket.Shutdown(SocketShutdown.Send);

        Assert.True(await client.IsClosedByServerAsync());
        await Eventually(() => host.Lines.All.Any(line => line.Contains(reason, StringComparison.Ordinal)));
        Assert.Single(host.Lines.All, line => line.Contains("Closed the connection", StringComparison.Ordinal));
        bystander.Send(RawClient.Ping(2, "after"));
        Assert.Equal((2, "after"), await bystander.ReceivePingAsync());
        Assert.Equal(0, host.Budget.Bytes);
    }

    [Fact]
    public async Task RpcConnection_garbage_in_a_loop_is_logged_at_a_bounded_rate()
    {
        const int connections = 200;
        await using RpcTestHost host = await RpcTestHost.StartAsync(new EchoDispatcher());

        for (int i = 0; i < connections; i++)
        {
            using var client = RawClient.Connect(host.Port);
            client.Stream.Write("GET / HTTP/1.1\r\n\r\n"u8);
            Assert.True(await client.IsClosedByServerAsync());
        }

        Assert.InRange(
            host.Lines.All.Count(line => line.Contains("Closed the connection", StringComparison.Ordinal)), 1, 150);
    }

    [Fact]
    public async Task RpcConnection_random_bytes_never_do_worse_than_close_the_connection()
    {
        await using RpcTestHost host = await RpcTestHost.StartAsync(new EchoDispatcher());
        var random = new Random(20_261_122);
        for (int i = 0; i < 300; i++)
        {
            byte[] message = RawClient.Ping(1, "some text to change");
            for (int change = random.Next(1, 6); change > 0; change--)
            {
                message[random.Next(message.Length)] = (byte)random.Next(256);
            }

            using var client = RawClient.Connect(host.Port);
            client.Stream.Write(message);
            client.Socket.Shutdown(SocketShutdown.Send);
            await ReadToEndAsync(client);
        }

        using var last = RawClient.Connect(host.Port);
        last.Send(RawClient.Ping(1, "alive"));
        Assert.Equal((1, "alive"), await last.ReceivePingAsync());
        Assert.DoesNotContain(host.Lines.All, line => line.StartsWith("Error", StringComparison.Ordinal));
        await Eventually(() => host.Budget is { Calls: 0, Bytes: 0 });
    }

    [Fact]
    public async Task RpcConnection_client_that_vanishes_leaves_nothing_charged()
    {
        var dispatcher = new EchoDispatcher();
        await using RpcTestHost host = await RpcTestHost.StartAsync(dispatcher);
        using (var client = RawClient.Connect(host.Port))
        {
            client.Send(RawClient.Ping(1, "hold1"));
            client.Send(RawClient.Ping(2, "hold2"));
            await Eventually(() => dispatcher.Held.ContainsKey("hold2"));
            Assert.Equal(2, host.Budget.Calls);
            // A reset, not a polite end: the client is not there to read answers.
            client.Socket.Close(timeout: 0);
        }

        await Eventually(() => host.Server.ConnectionCount == 0);
        Assert.Equal(0, host.Budget.Calls);
        Assert.Equal(0, host.Budget.Bytes);
        dispatcher.Held["hold1"].Release();
        dispatcher.Held["hold2"].Release();
    }

    internal static async Task Eventually(Func<bool> condition)
    {
        long deadline = Environment.TickCount64 + 30_000;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < deadline, "the condition did not come true within 30 s");
            await Task.Delay(5);
        }
    }

    /// <summary>A call of ping whose arguments begin with these bytes.</summary>
    private static byte[] Call(byte[] arguments)
    {
        byte[] header = new byte[16];
        BinaryPrimitives.WriteUInt32BigEndian(header, 0x80010001);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), 4);
        "ping"u8.CopyTo(header.AsSpan(8));
        return [.. header, .. arguments];
    }

    private static async Task ReadToEndAsync(RawClient client)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            byte[] buffer = new byte[4_096];
            while (await client.Stream.ReadAsync(buffer, patience.Token) > 0)
            {
                // Whatever it says is fine as long as it ends.
            }
        }
        catch (IOException)
        {
            // A reset is an end as well.
        }
    }
}
