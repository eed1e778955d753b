using System.Net;
using System.Net.Sockets;
using KvCloud.Node.Rpc;
using KvCloud.Tests.Node.Replication;
using Microsoft.Extensions.Time.Testing;
using static KvCloud.Tests.Node.Rpc.ConnectionTests;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>What clients may make the node hold, and what they hear beyond that.</summary>
public sealed class ConnectionLimitTests
{
    private const int TenMinutesMs = 600_000;

    [Fact]
    public async Task RpcServer_connections_beyond_the_limit_are_closed_and_make_room_when_others_leave()
    {
        const int limit = 500;
        await using RpcTestHost host = await RpcTestHost.StartAsync(
            new EchoDispatcher(), new RpcLimits { MaxConnections = limit });
        var clients = new List<RawClient>();
        try
        {
            for (int i = 0; i < limit; i++)
            {
                clients.Add(RawClient.Connect(host.Port, source: Address(i)));
            }

            foreach (RawClient client in clients)
            {
                client.Send(RawClient.Ping(1, "in"));
                Assert.Equal((1, "in"), await client.ReceivePingAsync());
            }

            using (var excess = RawClient.Connect(host.Port, source: Address(limit)))
            {
                Assert.True(await excess.IsClosedByServerAsync());
            }

            Assert.Contains(host.Lines.All, line => line.Contains("max_connections (500)", StringComparison.Ordinal));

            clients[0].Dispose();
            await Eventually(() => host.Server.ConnectionCount < limit);
            using var next = RawClient.Connect(host.Port);
            next.Send(RawClient.Ping(1, "in again"));
            Assert.Equal((1, "in again"), await next.ReceivePingAsync());
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    [Theory]
    [InlineData(5, "max_connections_per_address (5) reached by address 127.0.0.11")]
    [InlineData(0, "max_connections (10): address 127.0.0.11 holds 9 connections")]
    public async Task RpcServer_connections_of_one_address_leave_room_for_others(int perAddress, string reason)
    {
        await using RpcTestHost host = await RpcTestHost.StartAsync(
            new EchoDispatcher(), new RpcLimits { MaxConnections = 10, MaxConnectionsPerAddress = perAddress });
        var clients = new List<RawClient>();
        try
        {
            for (int i = 0; i < (perAddress == 0 ? 9 : perAddress); i++)
            {
                clients.Add(await ConnectedAsync(host, Address(1)));
            }

            using (var excess = RawClient.Connect(host.Port, source: Address(1)))
            {
                Assert.True(await excess.IsClosedByServerAsync());
            }

            Assert.Contains(host.Lines.All, line => line.Contains(reason, StringComparison.Ordinal));
            clients.Add(await ConnectedAsync(host, Address(2)));
            clients[0].Dispose();
            await Eventually(() => host.Server.ConnectionCount < clients.Count);
            clients.Add(await ConnectedAsync(host, Address(3)));
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    [Theory]
    [InlineData(20, 0)]
    [InlineData(0, 200)]
    public async Task RpcConnection_calls_beyond_the_callers_rate_wait_and_hold_up_nobody_else(int calls, int bytes)
    {
        var time = new FakeTimeProvider();
        var clock = new ManualClock { NowUs = 1_000_000 };
        await using RpcTestHost host = await RpcTestHost.StartAsync(
            new EchoDispatcher(), new RpcLimits { MaxCallsPerSecond = calls, MaxBytesPerSecond = bytes }, time, clock);
        using var greedy = RawClient.Connect(host.Port, source: Address(1));
        using var again = RawClient.Connect(host.Port, source: Address(1));
        greedy.Send(RawClient.Ping(1, "in time"));
        Assert.Equal((1, "in time"), await greedy.ReceivePingAsync());

        again.Send(RawClient.Ping(2, "waits"));
        Task<(int, string)> waiting = again.ReceivePingAsync();
        using var modest = RawClient.Connect(host.Port, source: Address(2));
        modest.Send(RawClient.Ping(3, "another"));
        Assert.Equal((3, "another"), await modest.ReceivePingAsync());
        Assert.False(waiting.IsCompleted);

        await Eventually(() =>
        {
            clock.NowUs += 10_000;
            time.Advance(TimeSpan.FromMilliseconds(10));
            return waiting.IsCompleted;
        });
        Assert.Equal((2, "waits"), await waiting);
    }

    [Fact]
    public async Task RpcConnection_that_waits_for_its_callers_rate_is_not_taken_for_one_that_sends_slowly()
    {
        var time = new FakeTimeProvider();
        var clock = new ManualClock { NowUs = 1_000_000 };
        await using RpcTestHost host = await RpcTestHost.StartAsync(
            new EchoDispatcher(), new RpcLimits { MaxBytesPerSecond = 1_000, MessageTimeoutMs = 1_000 }, time, clock);
        using var client = RawClient.Connect(host.Port, source: Address(1));
        byte[] large = RawClient.Ping(1, new string('x', 20_000));
        byte[] next = RawClient.Ping(2, "after that");
        client.Send([.. large, .. next.AsSpan(0, 10)]);
        Assert.Equal(1, (await client.ReceivePingAsync()).Item1);

        Task<(int, string)> answer = client.ReceivePingAsync();
        client.Send(next[10..]);
        await Eventually(() =>
        {
            clock.NowUs += 500_000;
            time.Advance(TimeSpan.FromMilliseconds(500));
            return answer.IsCompleted;
        });
        Assert.Equal((2, "after that"), await answer);
    }

    [Fact]
    public async Task RpcConnection_on_which_nothing_comes_is_closed_and_one_that_has_called_is_not()
    {
        var time = new FakeTimeProvider();
        var clock = new ManualClock { NowUs = 1_000_000 };
        await using RpcTestHost host = await RpcTestHost.StartAsync(
            new EchoDispatcher(), new RpcLimits { FirstMessageTimeoutMs = 1_000 }, time, clock);
        using var silent = RawClient.Connect(host.Port);
        using RawClient used = await ConnectedAsync(host, Address(1));
        await Eventually(() => host.Server.ConnectionCount == 2);

        clock.NowUs += 2_000_000;
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.True(await silent.IsClosedByServerAsync());
        await Eventually(() => host.Lines.All.Any(
            line => line.Contains("first_message_timeout_ms (1000)", StringComparison.Ordinal)));
        used.Send(RawClient.Ping(2, "still here"));
        Assert.Equal((2, "still here"), await used.ReceivePingAsync());
    }

    [Fact]
    public async Task RpcConnection_bytes_in_flight_beyond_the_connections_limit_wait_unread()
    {
        var dispatcher = new EchoDispatcher();
        await using RpcTestHost host = await RpcTestHost.StartAsync(
            dispatcher, new RpcLimits { MaxInFlightBytesPerConnection = 50_000 });
        using var client = RawClient.Connect(host.Port);
        for (int i = 0; i < 20; i++)
        {
            client.Send(RawClient.Ping(i, $"hold{i} " + new string('x', 10_000)));
        }

        await Eventually(() => dispatcher.Held.Count == 5);
        await Task.Delay(50);
        Assert.Equal(5, dispatcher.Held.Count);

        for (int i = 0; i < 20; i++)
        {
            string text = "";
            await Eventually(() => (text = dispatcher.Held.Keys.FirstOrDefault(
                key => key.StartsWith($"hold{i} ", StringComparison.Ordinal)) ?? "").Length > 0);
            dispatcher.Held[text].Release();
            Assert.Equal(i, (await client.ReceivePingAsync()).SequenceId);
            Assert.InRange(host.Budget.Bytes, 0, 60_000);
        }
    }

    [Fact]
    public async Task RpcServer_calls_of_one_caller_beyond_its_limit_are_answered_OVERLOADED_and_others_are_not()
    {
        var dispatcher = new EchoDispatcher();
        await using RpcTestHost host = await RpcTestHost.StartAsync(
            dispatcher, new RpcLimits { MaxInFlightCallsPerCaller = 2 });
        using var greedy = RawClient.Connect(host.Port, source: Address(1));
        using var modest = RawClient.Connect(host.Port, source: Address(2));
        greedy.Send(RawClient.Ping(1, "hold1"));
        greedy.Send(RawClient.Ping(2, "hold2"));
        greedy.Send(RawClient.Ping(3, "too much"));
        await Eventually(() => dispatcher.Held.Count == 2);

        modest.Send(RawClient.Ping(4, "another"));
        Assert.Equal((4, "another"), await modest.ReceivePingAsync());
        dispatcher.Held["hold1"].Release();
        dispatcher.Held["hold2"].Release();
        Assert.Equal((1, "hold1"), await greedy.ReceivePingAsync());
        Assert.Equal((2, "hold2"), await greedy.ReceivePingAsync());
        Assert.Equal((3, "OVERLOADED"), await greedy.ReceivePingAsync());
        greedy.Send(RawClient.Ping(5, "fits"));
        Assert.Equal((5, "fits"), await greedy.ReceivePingAsync());
        await Eventually(() => host.Budget.Calls == 0);
    }

    [Fact]
    public async Task RpcConnection_calls_in_flight_beyond_the_connections_limit_wait_unread()
    {
        const int limit = 8;
        var dispatcher = new EchoDispatcher();
        await using RpcTestHost host = await RpcTestHost.StartAsync(
            dispatcher, new RpcLimits { MaxInFlightCallsPerConnection = limit });
        using var client = RawClient.Connect(host.Port);

        for (int i = 0; i < 100; i++)
        {
            client.Send(RawClient.Ping(i, $"hold{i}"));
        }

        await Eventually(() => dispatcher.Held.Count >= limit);
        await Task.Delay(50);
        Assert.Equal(limit, dispatcher.Held.Count);

        for (int i = 0; i < 100; i++)
        {
            await Eventually(() => dispatcher.Held.ContainsKey($"hold{i}"));
            dispatcher.Held[$"hold{i}"].Release();
            Assert.Equal((i, $"hold{i}"), await client.ReceivePingAsync());
            Assert.InRange(host.Budget.Calls, 0, limit);
        }
    }

    [Fact]
    public async Task RpcServer_calls_beyond_the_nodes_limit_are_answered_OVERLOADED_until_there_is_room()
    {
        var dispatcher = new EchoDispatcher();
        await using RpcTestHost host = await RpcTestHost.StartAsync(
            dispatcher, new RpcLimits { MaxInFlightCallsPerNode = 2 });
        using var holder = RawClient.Connect(host.Port);
        using var other = RawClient.Connect(host.Port);

        holder.Send(RawClient.Ping(1, "hold1"));
        holder.Send(RawClient.Ping(2, "hold2"));
        await Eventually(() => dispatcher.Held.Count == 2);
        other.Send(RawClient.Ping(3, "too much"));
        Assert.Equal((3, "OVERLOADED"), await other.ReceivePingAsync());

        dispatcher.Held["hold1"].Release();
        await holder.ReceivePingAsync();
        await Eventually(() => host.Budget.Calls == 1);
        other.Send(RawClient.Ping(4, "fits"));
        Assert.Equal((4, "fits"), await other.ReceivePingAsync());
        dispatcher.Held["hold2"].Release();
        await holder.ReceivePingAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RpcConnection_large_message_without_room_is_answered_OVERLOADED_and_not_kept(bool isFramed)
    {
        var dispatcher = new EchoDispatcher();
        await using RpcTestHost host = await RpcTestHost.StartAsync(
            dispatcher, new RpcLimits { MaxInFlightBytesPerNode = 1_000_000, MaxMessageBytes = 1_000_000 });
        using var holder = RawClient.Connect(host.Port);
        using var other = RawClient.Connect(host.Port, isFramed);
        holder.Send(RawClient.Ping(1, "hold" + new string('x', 700_000)));
        await Eventually(() => dispatcher.Held.Count == 1);

        other.Send(RawClient.Ping(2, new string('y', 900_000)));
        other.Send(RawClient.Ping(3, "small"));

        Assert.Equal((2, "OVERLOADED"), await other.ReceivePingAsync());
        Assert.Equal((3, "small"), await other.ReceivePingAsync());
        Assert.InRange(host.Budget.Bytes, 700_000, 710_000);
        dispatcher.Held.Values.Single().Release();
        await holder.ReceivePingAsync();
    }

    [Fact]
    public async Task RpcConnection_message_that_never_ends_is_cut_off_after_the_timeout()
    {
        var time = new FakeTimeProvider();
        var clock = new ManualClock { NowUs = 1_000_000 };
        await using RpcTestHost host = await RpcTestHost.StartAsync(
            new EchoDispatcher(), new RpcLimits { MessageTimeoutMs = 1_000 }, time, clock);
        using var client = RawClient.Connect(host.Port);
        client.Stream.Write(RawClient.Ping(1, "half").AsSpan(0, 20));
        await Eventually(() => host.Server.ConnectionCount == 1);
        await Task.Delay(50);

        // Its time is over, and the sweep that would see it is not due: longer than it would take by the real time.
        clock.NowUs += 2_000_000;
        await Task.Delay(1_200);
        Assert.Equal(1, host.Server.ConnectionCount);

        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(await client.IsClosedByServerAsync());
        await Eventually(
            () => host.Lines.All.Any(line => line.Contains("message_timeout_ms", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task RpcConnection_client_that_reads_no_answers_is_read_no_further()
    {
        await using RpcTestHost host = await RpcTestHost.StartAsync(new EchoDispatcher());
        using var client = RawClient.Connect(host.Port);
        byte[] message = RawClient.Ping(1, new string('x', 10_000));
        client.Stream.WriteTimeout = 500;

        // 400 MB of answers would be owed if the server read all of it.
        int sent = 0;
        Assert.Throws<IOException>(() =>
        {
            for (; sent < 40_000; sent++)
            {
                client.Stream.Write(message);
            }
        });

        Assert.InRange(sent, 1, 20_000);
        Assert.InRange(host.Budget.Bytes, 0, 64 * 1024 * 1024);
        using var other = RawClient.Connect(host.Port);
        other.Send(RawClient.Ping(2, "others go on"));
        Assert.Equal((2, "others go on"), await other.ReceivePingAsync());
    }

    [Fact]
    public async Task DrainAsync_of_a_server_answers_what_is_in_flight_refuses_what_is_new_and_closes()
    {
        var dispatcher = new EchoDispatcher();
        await using RpcTestHost host = await RpcTestHost.StartAsync(dispatcher);
        using var client = RawClient.Connect(host.Port);
        client.Send(RawClient.Ping(1, "hold1"));
        await Eventually(() => dispatcher.Held.Count == 1);

        Task drain = host.Server.DrainAsync(CancellationToken.None);
        using var late = RawClient.Connect(host.Port);
        Assert.True(await late.IsClosedByServerAsync());
        client.Send(RawClient.Ping(2, "new"));
        await Eventually(() => host.Budget.Calls == 2);
        Assert.False(drain.IsCompleted);
        dispatcher.Held["hold1"].Release();

        Assert.Equal((1, "hold1"), await client.ReceivePingAsync());
        Assert.Equal((2, "SHUTTING_DOWN"), await client.ReceivePingAsync());
        await drain;
        Assert.True(await client.IsClosedByServerAsync());
        Assert.Equal(0, host.Server.ConnectionCount);
    }

    [Fact]
    public async Task DrainAsync_with_calls_that_never_finish_gives_up_after_its_timeout()
    {
        var time = new FakeTimeProvider();
        var dispatcher = new EchoDispatcher();
        await using RpcTestHost host = await RpcTestHost.StartAsync(
            dispatcher, new RpcLimits { DrainTimeoutMs = TenMinutesMs }, time);
        using var client = RawClient.Connect(host.Port);
        client.Send(RawClient.Ping(1, "hold1"));
        await Eventually(() => dispatcher.Held.Count == 1);

        Task drain = host.Server.DrainAsync(CancellationToken.None);
        time.Advance(TimeSpan.FromMilliseconds(TenMinutesMs - 1));
        await Task.Delay(50);
        Assert.False(drain.IsCompleted);
        await AdvanceUntilAsync(time, TimeSpan.FromMilliseconds(50), () => drain.IsCompleted);
        await drain;

        Assert.True(await client.IsClosedByServerAsync());
        await Eventually(() => host.Server.ConnectionCount == 0);
        Assert.Contains(
            host.Lines.All, line => line.Contains("1 calls left unanswered", StringComparison.Ordinal));
    }

    [Fact]
    public async Task RpcConnection_whose_client_ended_its_side_closes_after_the_longest_timeout()
    {
        var time = new FakeTimeProvider();
        var dispatcher = new EchoDispatcher();
        await using RpcTestHost host = await RpcTestHost.StartAsync(
            dispatcher, new RpcLimits { MaxTimeoutMs = TenMinutesMs }, time);
        using var client = RawClient.Connect(host.Port);
        client.Send(RawClient.Ping(1, "hold1"));
        await Eventually(() => dispatcher.Held.Count == 1);
        client.Socket.Shutdown(SocketShutdown.Send);
        await Task.Delay(50);
        Assert.Equal(1, host.Server.ConnectionCount);

        await AdvanceUntilAsync(time, TimeSpan.FromMinutes(1), () => host.Server.ConnectionCount == 0);

        Assert.Equal(0, host.Server.ConnectionCount);
    }

    [Fact]
    public void Validate_of_a_limit_that_is_wrong_names_it()
    {
        Assert.Empty(new RpcLimits().Validate());
        string error = Assert.Single(new RpcLimits { MaxConnections = 0 }.Validate());
        Assert.Equal("max_connections is 0, but must be from 1 to 1000000.", error);
    }

    private static IPAddress Address(int number) => new([127, 0, (byte)(number / 200), (byte)(10 + (number % 200))]);

    private static async Task<RawClient> ConnectedAsync(RpcTestHost host, IPAddress source)
    {
        var client = RawClient.Connect(host.Port, source: source);
        client.Send(RawClient.Ping(1, "in"));
        Assert.Equal((1, "in"), await client.ReceivePingAsync());
        return client;
    }

    /// <summary>Lets the time go on in small steps, so that each timer has its turn.</summary>
    private static async Task AdvanceUntilAsync(FakeTimeProvider time, TimeSpan step, Func<bool> isDone)
    {
        for (int i = 0; i < 200 && !isDone(); i++)
        {
            time.Advance(step);
            await Task.Delay(10);
        }

        Assert.True(isDone(), "the time went on, and nothing came of it");
    }
}
