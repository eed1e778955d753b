using System.Net;
using System.Net.Sockets;
using KvCloud.Node.Rpc;
using KvCloud.Tests.Node.Replication;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>
/// Where costly calls run, on a real Kestrel and real sockets; the calls are the test's own and have no end.
/// </summary>
public sealed class ScanPoolTests
{
    private readonly EchoDispatcher _dispatcher = new();

    [Fact]
    public async Task ScanPool_costly_call_runs_on_a_thread_of_the_pool_and_what_is_behind_it_does_not()
    {
        await using RpcTestHost host = await RpcTestHost.StartAsync(_dispatcher);
        using var client = RawClient.Connect(host.Port);

        client.Send(RawClient.Ping(1, "scan1"));
        client.Send(RawClient.Ping(2, "echo2"));
        client.Send(RawClient.Ping(3, "scan3"));
        await ConnectionTests.Eventually(
            () => _dispatcher.Scans.TryGetValue("scan1", out EchoDispatcher.ScanCall? scan) && scan.Slices > 2);
        await ConnectionTests.Eventually(() => _dispatcher.Scans.ContainsKey("scan3"));
        Assert.Equal(0, _dispatcher.Scans["scan3"].Slices);
        _dispatcher.Scans["scan3"].IsReleased = true;
        _dispatcher.Scans["scan1"].IsReleased = true;

        Assert.Equal((1, "scan1"), await client.ReceivePingAsync());
        Assert.Equal((2, "echo2"), await client.ReceivePingAsync());
        Assert.Equal((3, "scan3"), await client.ReceivePingAsync());
        Assert.StartsWith("kv-scan-", _dispatcher.Scans["scan1"].AdvancedBy!.Name, StringComparison.Ordinal);
        Assert.True(_dispatcher.Held["echo2"].AnsweredBy!.IsThreadPoolThread);
        Assert.Equal(0, host.Budget.Calls);
        await ConnectionTests.Eventually(() => host.Scans.Admitted == 0);
    }

    [Fact]
    public async Task ScanPool_costly_calls_of_many_connections_share_few_threads()
    {
        await using RpcTestHost host = await RpcTestHost.StartAsync(
            _dispatcher, new RpcLimits { MaxConcurrentScans = 1 });
        using var first = RawClient.Connect(host.Port);
        using var second = RawClient.Connect(host.Port);
        using var third = RawClient.Connect(host.Port);

        first.Send(RawClient.Ping(1, "scan1"));
        second.Send(RawClient.Ping(2, "scan2"));
        third.Send(RawClient.Ping(3, "echo3"));

        Assert.Equal((3, "echo3"), await third.ReceivePingAsync());
        await ConnectionTests.Eventually(
            () => _dispatcher.Scans.Count == 2 && _dispatcher.Scans.Values.All(scan => scan.Slices > 5));
        Assert.Same(_dispatcher.Scans["scan1"].AdvancedBy, _dispatcher.Scans["scan2"].AdvancedBy);
        _dispatcher.Scans["scan2"].IsReleased = true;
        Assert.Equal((2, "scan2"), await second.ReceivePingAsync());
        _dispatcher.Scans["scan1"].IsReleased = true;
        Assert.Equal((1, "scan1"), await first.ReceivePingAsync());
    }

    [Fact]
    public async Task ScanPool_costly_call_for_which_no_place_is_left_is_overloaded_and_names_the_limit()
    {
        await using RpcTestHost host = await RpcTestHost.StartAsync(
            _dispatcher, new RpcLimits { MaxConcurrentScans = 1, MaxQueuedScans = 1 });
        using var first = RawClient.Connect(host.Port);
        using var second = RawClient.Connect(host.Port);
        using var third = RawClient.Connect(host.Port);
        first.Send(RawClient.Ping(1, "scan1"));
        second.Send(RawClient.Ping(2, "scan2"));
        await ConnectionTests.Eventually(() => host.Scans.Admitted == 2);

        third.Send(RawClient.Ping(3, "scan3"));
        third.Send(RawClient.Ping(4, "echo4"));

        (int _, string? refused) = await third.ReceivePingAsync();
        Assert.StartsWith("OVERLOADED", refused, StringComparison.Ordinal);
        Assert.Contains("max_queued_scans", refused, StringComparison.Ordinal);
        Assert.Equal((4, "echo4"), await third.ReceivePingAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ScanPool_costly_calls_of_a_closed_connection_are_dropped_running_or_waiting(bool hasEndedBefore)
    {
        await using RpcTestHost host = await RpcTestHost.StartAsync(
            _dispatcher, new RpcLimits { MaxConcurrentScans = 1 });
        var clients = Enumerable.Range(0, 3).Select(_ => RawClient.Connect(host.Port)).ToList();
        for (int i = 0; i < clients.Count; i++)
        {
            clients[i].Send(RawClient.Ping(1, $"scan{i}"));
            clients[i].Send(RawClient.Ping(2, $"scan-behind-{i}"));
        }

        await ConnectionTests.Eventually(() => host.Scans.Admitted == 3 && _dispatcher.Scans.Count == 6);
        if (hasEndedBefore)
        {
            // A client that only says that it has no more to ask waits for its answers.
            clients.ForEach(client => client.Socket.Shutdown(SocketShutdown.Send));
            int slices = _dispatcher.Scans["scan0"].Slices;
            await ConnectionTests.Eventually(() => _dispatcher.Scans["scan0"].Slices > slices + 100);
            Assert.Equal(3, host.Scans.Admitted);
        }

        clients.ForEach(client => client.Socket.Close(0));

        await ConnectionTests.Eventually(() => host.Scans.Admitted == 0 && host.Budget.Calls == 0);
        await ConnectionTests.Eventually(() => host.Server.ConnectionCount == 0);
        Assert.All(_dispatcher.Scans.Values, scan => Assert.True(scan.IsDropped));
        Assert.Equal(0, _dispatcher.Scans["scan-behind-0"].Slices);
    }

    /// <summary>
    /// Before, a caller whose costly reads were in flight already got ten times the bytes that its rate allowed.
    /// </summary>
    [Fact]
    public async Task ScanPool_costly_calls_of_a_caller_above_its_rate_wait_until_it_has_paid_or_to_their_deadline()
    {
        var clock = new ManualClock { NowUs = 1_000_000 };
        await using RpcTestHost host = await RpcTestHost.StartAsync(
            _dispatcher, new RpcLimits { MaxBytesPerSecond = 1_000 }, clock: clock);
        using var scanning = RawClient.Connect(host.Port, source: IPAddress.Parse("127.0.0.2"));
        using var spending = RawClient.Connect(host.Port, source: IPAddress.Parse("127.0.0.2"));
        using var other = RawClient.Connect(host.Port, source: IPAddress.Parse("127.0.0.3"));
        scanning.Send(RawClient.Ping(1, "scan1"));
        await ConnectionTests.Eventually(() => _dispatcher.Scans.ContainsKey("scan1"));
        clock.NowUs += 1_000_000;
        await ConnectionTests.Eventually(() => SlicesOf("scan1") > 2);

        spending.Send(RawClient.Ping(2, new string('x', 20_000)));
        Assert.Equal(2, (await spending.ReceivePingAsync()).SequenceId);
        other.Send(RawClient.Ping(3, "scan3"));
        await ConnectionTests.Eventually(() => _dispatcher.Scans.ContainsKey("scan3"));
        clock.NowUs += 1_000_000;
        await ConnectionTests.Eventually(() => SlicesOf("scan3") > 100);
        int slices = SlicesOf("scan1");
        await ConnectionTests.Eventually(() => SlicesOf("scan3") > 1_000);
        Assert.Equal(slices, SlicesOf("scan1"));

        clock.NowUs += 60_000_000;
        await ConnectionTests.Eventually(() => SlicesOf("scan1") > slices + 2);

        spending.Send(RawClient.Ping(4, new string('x', 20_000)));
        Assert.Equal(4, (await spending.ReceivePingAsync()).SequenceId);
        _dispatcher.Scans["scan1"].IsReleased = true;
        _dispatcher.Scans["scan1"].DeadlineMs = clock.NowMs - 1;
        Assert.Equal((1, "scan1"), await scanning.ReceivePingAsync());
    }

    [Fact]
    public async Task ScanPool_callers_take_turns_however_many_connections_one_of_them_has()
    {
        await using RpcTestHost host = await RpcTestHost.StartAsync(
            _dispatcher, new RpcLimits { MaxConcurrentScans = 1 });
        var greedy = Enumerable.Range(0, 8)
            .Select(_ => RawClient.Connect(host.Port, source: IPAddress.Parse("127.0.0.2"))).ToList();
        using var modest = RawClient.Connect(host.Port, source: IPAddress.Parse("127.0.0.3"));
        for (int i = 0; i < greedy.Count; i++)
        {
            greedy[i].Send(RawClient.Ping(i, $"scan greedy {i}"));
        }

        modest.Send(RawClient.Ping(1, "scan modest"));
        await ConnectionTests.Eventually(() => host.Scans.Admitted == greedy.Count + 1);
        int[] began = [.. Greedy(), SlicesOf("scan modest")];
        await ConnectionTests.Eventually(() => Greedy().Sum() - began[..^1].Sum() > 400);

        int[] ran = [.. began.Zip([.. Greedy(), SlicesOf("scan modest")], (before, after) => after - before)];
        int all = ran[..^1].Sum();
        Assert.InRange(ran[^1], all * 3 / 4, all * 5 / 4);
        Assert.All(ran[..^1], slices => Assert.InRange(slices, all / greedy.Count / 2, all / greedy.Count * 2));
        greedy.ForEach(client => client.Dispose());

        IEnumerable<int> Greedy() => Enumerable.Range(0, greedy.Count).Select(i => SlicesOf($"scan greedy {i}"));
    }

    [Fact]
    public async Task ScanPool_one_caller_leaves_places_for_others()
    {
        await using RpcTestHost host = await RpcTestHost.StartAsync(
            _dispatcher, new RpcLimits { MaxConcurrentScans = 1, MaxQueuedScans = 9 });
        var greedy = Enumerable.Range(0, 10)
            .Select(_ => RawClient.Connect(host.Port, source: IPAddress.Parse("127.0.0.2"))).ToList();
        using var modest = RawClient.Connect(host.Port, source: IPAddress.Parse("127.0.0.3"));
        for (int i = 0; i < greedy.Count; i++)
        {
            greedy[i].Send(RawClient.Ping(i, $"scan greedy {i}"));
            await ConnectionTests.Eventually(() => _dispatcher.Scans.ContainsKey($"scan greedy {i}"));
        }

        (int _, string? refused) = await greedy[^1].ReceivePingAsync();
        Assert.StartsWith("OVERLOADED", refused, StringComparison.Ordinal);
        Assert.Contains("max_queued_scans: address 127.0.0.2", refused, StringComparison.Ordinal);
        modest.Send(RawClient.Ping(1, "scan modest"));
        await ConnectionTests.Eventually(() => SlicesOf("scan modest") > 0);
        _dispatcher.Scans["scan modest"].IsReleased = true;
        Assert.Equal((1, "scan modest"), await modest.ReceivePingAsync());
        greedy.ForEach(client => client.Socket.Close(0));
        await ConnectionTests.Eventually(() => host.Scans.Admitted == 0);
    }

    private int SlicesOf(string scan) =>
        _dispatcher.Scans.TryGetValue(scan, out EchoDispatcher.ScanCall? call) ? call.Slices : 0;

    [Fact]
    public async Task ScanPool_host_that_stops_ends_costly_calls()
    {
        RpcTestHost host = await RpcTestHost.StartAsync(_dispatcher, new RpcLimits { DrainTimeoutMs = 50 });
        using var client = RawClient.Connect(host.Port);
        client.Send(RawClient.Ping(1, "scan1"));
        await ConnectionTests.Eventually(() => host.Scans.Admitted == 1);

        await host.DisposeAsync();

        Assert.True(_dispatcher.Scans["scan1"].IsDropped);
    }
}
