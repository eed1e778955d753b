using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using KvCloud.Consensus;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Transport;

public sealed class TcpTransportTests
{
    /// <summary>The configuration names one that has been replaced; a member says by whom.</summary>
    [Fact]
    public async Task Introduce_of_peers_connects_to_them_until_there_is_a_record_of_the_members()
    {
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);
        await using TestNode three = await TestNode.StartAsync(3, [1], directory);

        one.Transport.Introduce(new Dictionary<int, string> { [1] = "", [3] = "elsewhere:9190" });
        await one.ConnectedToAsync(3);
        Assert.Equal([3], one.Transport.Links.Select(link => link.Peer.Value));
        Assert.Equal("elsewhere:9190", one.Transport.Introduced[3]);

        var recorded = GroupMembers.Decode(
            new Slot(7), GroupMembers.Initial([new NodeId(1), new NodeId(3)]).Encode());
        one.Transport.Reconfigure(recorded, isSettled: true);
        one.Transport.Introduce(new Dictionary<int, string> { [2] = "" });
        Assert.Equal([3], one.Transport.Links.Select(link => link.Peer.Value));
        Assert.True(one.Link(3).IsConnected);
    }

    [Fact]
    public async Task Send_every_message_type_arrives_as_it_was()
    {
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);
        await using TestNode two = await TestNode.StartAsync(2, [1], directory);
        await one.ConnectedToAsync(2);
        var random = new Random(11);
        Message[] sent =
            [.. Enumerable.Range(0, 130).Select(i => SampleMessages.Draw(random, i, one.Id, two.Id))];

        one.Transport.Send(sent);
        await two.ReceivedAsync(sent.Length);

        Assert.Equal(sent.Select(SampleMessages.Describe), two.Messages.Select(SampleMessages.Describe));
        Assert.Equal(0, one.Link(2).DroppedMessages);
        await Eventually.TrueAsync(
            () => two.Link(1).ReceivedBytes == one.Link(2).SentBytes, () => $"{one.Link(2)} equals {two.Link(1)}");
        Assert.InRange(TimeProvider.System.NowMs() - two.Link(1).LastReceivedTickMs, 0, 20_000);
    }

    /// <summary>What `listen.address = "*"` means, in a container that has addresses of IPv4 alone.</summary>
    [Fact]
    public async Task ListenEndPoint_of_all_addresses_is_reached_over_ipv4_too()
    {
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(
            1, [], directory, bind: new IPEndPoint(IPAddress.IPv6Any, 0));
        using var caller = new TcpClient(AddressFamily.InterNetwork);

        await caller.ConnectAsync(IPAddress.Loopback, one.Transport.ListenEndPoint.Port);

        Assert.True(caller.Connected);
    }

    [Fact]
    public async Task Send_many_small_messages_at_once_is_one_batch_at_the_receiver()
    {
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2, 3], directory);
        await using TestNode two = await TestNode.StartAsync(2, [1], directory);
        await using TestNode three = await TestNode.StartAsync(3, [1], directory);
        await one.ConnectedToAsync(2);
        await one.ConnectedToAsync(3);

        // Interleaved as the consensus core emits them: still one send for each peer.
        one.Transport.Send([.. Enumerable.Range(0, 200).Select(
            i => new ReadIndexRequest(one.Id, i % 2 == 0 ? two.Id : three.Id, i))]);
        await two.ReceivedAsync(100);
        await three.ReceivedAsync(100);

        Assert.Single(two.Batches);
        Assert.Single(three.Batches);
    }

    [Fact]
    public async Task Send_many_accepts_keeps_their_order_and_loses_none_that_fit()
    {
        const int Count = 5000;
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);
        await using TestNode two = await TestNode.StartAsync(2, [1], directory);
        await one.ConnectedToAsync(2);

        for (int slot = 1; slot <= Count; slot++)
        {
            one.Transport.Send([SampleMessages.AcceptOf(one.Id, two.Id, slot, payloadBytes: slot % 3000)]);
        }

        await two.ReceivedAsync(Count);
        Assert.Equal(
            Enumerable.Range(1, Count).Select(slot => (long)slot),
            two.Messages.Select(message => ((Accept)message).Entries[0].Slot.Value));
        Assert.Equal(0, one.Link(2).DroppedMessages);
    }

    [Fact]
    public async Task Send_from_several_threads_damages_no_frame()
    {
        const int Threads = 4;
        const int Each = 500;
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);
        await using TestNode two = await TestNode.StartAsync(2, [1], directory);
        await one.ConnectedToAsync(2);

        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(() =>
        {
            for (int i = 0; i < Each; i++)
            {
                long slot = (thread * Each) + i + 1;
                one.Transport.Send([SampleMessages.AcceptOf(one.Id, two.Id, slot, payloadBytes: 2000)]);
            }
        })));

        await two.ReceivedAsync(Threads * Each);
        Assert.Equal(
            Enumerable.Range(1, Threads * Each).Select(slot => (long)slot),
            two.Messages.Select(message => ((Accept)message).Entries[0].Slot.Value).Order());
    }

    [Fact]
    public async Task Send_message_of_many_megabytes_arrives()
    {
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);
        await using TestNode two = await TestNode.StartAsync(2, [1], directory);
        await one.ConnectedToAsync(2);
        Accept large = SampleMessages.AcceptOf(one.Id, two.Id, slot: 1, payloadBytes: 20 * 1024 * 1024);

        one.Transport.Send([large, new ReadIndexRequest(one.Id, two.Id, 1)]);
        await two.ReceivedAsync(2);

        var received = (Accept)two.Messages.Single(message => message is Accept);
        Assert.True(received.Entries[0].Value.Payload.Span.SequenceEqual(large.Entries[0].Value.Payload.Span));
    }

    [Fact]
    public async Task Send_accept_above_the_frame_limit_travels_in_parts()
    {
        var directory = new Directory();
        TransportOptions small = TestNode.Quick with { MaxFrameBytes = 64 * 1024 };
        await using TestNode one = await TestNode.StartAsync(1, [2], directory, small);
        await using TestNode two = await TestNode.StartAsync(2, [1], directory, small);
        await one.ConnectedToAsync(2);

        one.Transport.Send([SampleMessages.AcceptOf(one.Id, two.Id, slot: 1, payloadBytes: 10_000, entries: 30)]);
        await Eventually.TrueAsync(() => Slots(two).Length == 30, () => $"30 entries, have {Slots(two).Length}");

        Assert.Equal(Enumerable.Range(1, 30).Select(slot => (long)slot), Slots(two));
        Assert.Equal(0, one.Link(2).DroppedMessages);

        static long[] Slots(TestNode node) =>
            [.. node.Messages.Cast<Accept>().SelectMany(accept => accept.Entries).Select(entry => entry.Slot.Value)];
    }

    [Fact]
    public async Task Send_entry_above_the_frame_limit_is_dropped_and_named()
    {
        var directory = new Directory();
        TransportOptions small = TestNode.Quick with { MaxFrameBytes = 64 * 1024 };
        await using TestNode one = await TestNode.StartAsync(1, [2], directory, small);
        await using TestNode two = await TestNode.StartAsync(2, [1], directory, small);
        await one.ConnectedToAsync(2);

        one.Transport.Send([SampleMessages.AcceptOf(one.Id, two.Id, slot: 1, payloadBytes: 70_000)]);
        one.Transport.Send([new ReadIndexRequest(one.Id, two.Id, 1)]);
        await two.ReceivedAsync(1);

        Assert.IsType<ReadIndexRequest>(Assert.Single(two.Messages));
        Assert.Equal(1, one.Link(2).DroppedMessages);
        Assert.Contains(one.Log, line => line.Contains("exceed the frame limit, 65536", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Send_to_a_peer_that_is_away_drops_and_counts()
    {
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);

        one.Transport.Send([new ReadIndexRequest(one.Id, new NodeId(2), 1)]);

        Assert.Equal(1, one.Link(2).DroppedMessages);
        Assert.False(one.Link(2).IsConnected);
        Assert.Null(one.Transport.IdentityOf(new NodeId(2)));
    }

    [Fact]
    public async Task Send_to_itself_breaks_an_invariant()
    {
        await using TestNode one = await TestNode.StartAsync(1, [2], new Directory());
        Assert.Throws<InvariantViolationException>(() => one.Transport.Send([new ReadIndexRequest(one.Id, one.Id, 1)]));
    }

    [Fact]
    public async Task Report_of_a_replica_reaches_every_peer()
    {
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2, 3], directory);
        await using TestNode two = await TestNode.StartAsync(2, [1], directory);
        await using TestNode three = await TestNode.StartAsync(3, [1], directory);
        await one.ConnectedToAsync(2);
        await one.ConnectedToAsync(3);
        PeerReport report = SampleMessages.DrawReport(new Random(3), one.Id);

        one.Transport.Report(report);

        await Eventually.TrueAsync(() => two.Reports.Count + three.Reports.Count == 2, () => "both have the report");
        Assert.Equal([report], two.Reports);
        Assert.Equal([report], three.Reports);
        Assert.Empty(two.Messages);
    }

    [Fact]
    public async Task IdentityOf_connected_peer_is_what_it_told()
    {
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);
        TestNode two = await TestNode.StartAsync(2, [1], directory);
        await one.ConnectedToAsync(2);
        await two.ConnectedToAsync(1);

        Assert.Equal(TestNode.Identity(2), one.Transport.IdentityOf(two.Id));
        Assert.Equal("client-1:9090", two.Transport.IdentityOf(one.Id)?.ClientEndpoint);
        Assert.Null(one.Transport.IdentityOf(new NodeId(5)));

        await two.DisposeAsync();
        await Eventually.TrueAsync(() => !one.Link(2).IsConnected, () => "the link breaks");
        Assert.Equal(TestNode.Identity(2), one.Transport.IdentityOf(two.Id));
    }

    [Fact]
    public async Task Send_to_a_peer_that_restarts_elsewhere_finds_it_again()
    {
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);
        TestNode two = await TestNode.StartAsync(2, [1], directory);
        await one.ConnectedToAsync(2);
        await two.DisposeAsync();
        await Eventually.TrueAsync(() => !one.Link(2).IsConnected, () => "the link breaks");

        await using TestNode again = await TestNode.StartAsync(2, [1], directory);
        await one.ConnectedToAsync(2);
        await again.ConnectedToAsync(1);
        one.Transport.Send([new ReadIndexRequest(one.Id, again.Id, 5)]);
        again.Transport.Send([new ReadIndexRequest(again.Id, one.Id, 6)]);

        await again.ReceivedAsync(1);
        await one.ReceivedAsync(1);
        Assert.NotEqual(two.Transport, again.Transport);
    }

    [Fact]
    public async Task StartAsync_port_in_use_names_it()
    {
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);
        IPEndPoint taken = one.Transport.ListenEndPoint;

        IOException error = await Assert.ThrowsAsync<IOException>(
            () => TestNode.StartAsync(2, [1], directory, bind: taken));
        Assert.Contains($"Cannot listen for replicas on {taken}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new[] { 1 })]
    [InlineData(new[] { 2, 2 })]
    [InlineData(new[] { -1 })]
    public async Task TcpTransport_impossible_peers_are_refused(int[] peers) =>
        await Assert.ThrowsAsync<ArgumentException>(() => TestNode.StartAsync(1, peers, new Directory()));

    [Fact]
    public async Task DisposeAsync_of_a_connected_one_leaves_no_thread_and_no_socket()
    {
        var directory = new Directory();
        TestNode one = await TestNode.StartAsync(77001, [77002], directory);
        TestNode two = await TestNode.StartAsync(77002, [77001], directory);
        await one.ConnectedToAsync(77002);
        await two.ConnectedToAsync(77001);
        IPEndPoint listened = one.Transport.ListenEndPoint;
        using RawPeer unknown = await RawPeer.CallAsync(listened);
        if (OperatingSystem.IsLinux())
        {
            // Linux keeps 15 characters: kv-tx-77001-770.
            Assert.Contains(ThreadNames(), name => name.StartsWith("kv-tx-77001", StringComparison.Ordinal));
        }

        await one.DisposeAsync();
        await two.DisposeAsync();

        await unknown.ClosedByOtherAsync();
        await Eventually.TrueAsync(
            () => !ThreadNames().Any(name => name.Contains("7700", StringComparison.Ordinal)),
            () => "all threads end: " + string.Join(' ', ThreadNames()));
        using var probe = new Socket(SocketType.Stream, ProtocolType.Tcp);
        SocketException error = await Assert.ThrowsAsync<SocketException>(() => probe.ConnectAsync(listened));
        Assert.Equal(SocketError.ConnectionRefused, error.SocketErrorCode);
        await one.DisposeAsync();
    }

    [Fact]
    public async Task DisposeAsync_never_started_ends()
    {
        var transport = new TcpTransport(
            TestNode.Identity(1),
            [2],
            new IPEndPoint(IPAddress.Loopback, 0),
            new Directory().ResolveAsync,
            new IncarnationMemory(),
            Bootstrap.Done,
            TestNode.Quick,
            Microsoft.Extensions.Logging.Abstractions.NullLogger<TcpTransport>.Instance);
        await transport.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(
            () => transport.StartAsync(_ => { }, _ => { }, CancellationToken.None));
    }

    [Fact]
    public async Task StartAsync_handler_that_throws_costs_the_connection_only()
    {
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);
        await using TestNode two = await TestNode.StartAsync(2, [1], directory);
        await one.ConnectedToAsync(2);
        two.OnBatch = _ => throw new InvalidOperationException("handler failed on purpose");

        one.Transport.Send([new ReadIndexRequest(one.Id, two.Id, 1)]);
        await Eventually.TrueAsync(
            () => two.Log.Any(line => line.Contains("could not be handled", StringComparison.Ordinal)),
            () => "it is logged");
        two.OnBatch = null;
        await Eventually.TrueAsync(
            () =>
            {
                one.Transport.Send([new ReadIndexRequest(one.Id, two.Id, 2)]);
                return two.Messages.Any(message => message is ReadIndexRequest { Id: 2 });
            },
            () => "the link is made anew");
    }

    private static string[] ThreadNames() =>
        [.. System.IO.Directory.EnumerateDirectories("/proc/self/task").Select(NameOf).Where(name => name.Length > 0)];

    private static string NameOf(string task)
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, "comm")).Trim();
        }
        catch (IOException)
        {
            // The thread ended while we looked.
            return "";
        }
    }
}
