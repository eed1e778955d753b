using System.Net;
using System.Net.Sockets;
using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Transport;

/// <summary>Whom a node talks to, and what unknown peers can do to it.</summary>
public sealed class TcpTransportHandshakeTests
{
    [Fact]
    public async Task TcpTransport_caller_of_other_cluster_is_refused_with_reason_on_both_sides()
    {
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);
        await using TestNode two = await TestNode.StartAsync(
            2, [1], directory, identity: TestNode.Identity(2, "other"));

        await RefusedAsync(one, 2, "node 1 is of cluster 'cluster', node 2 of 'other'");
        await RefusedAsync(two, 1, "node 2 is of cluster 'other', node 1 of 'cluster'");
        Assert.Contains(two.Log, line => line.Contains("node 1 is of cluster 'cluster'", StringComparison.Ordinal));
        Assert.Null(one.Transport.IdentityOf(two.Id));
    }

    [Fact]
    public async Task TcpTransport_call_to_the_endpoint_of_another_node_is_refused()
    {
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);
        await using TestNode three = await TestNode.StartAsync(3, [1, 2], directory);
        directory[2] = three.Transport.ListenEndPoint;

        await RefusedAsync(one, 2, "the caller, node 1, looks for node 2; this is node 3");
    }

    [Fact]
    public async Task TcpTransport_caller_not_configured_is_refused()
    {
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);
        await using TestNode nine = await TestNode.StartAsync(9, [1], directory);

        await RefusedAsync(nine, 1, "node 1 does not know node 9");
    }

    [Fact]
    public async Task TcpTransport_caller_with_the_own_id_is_refused()
    {
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);
        using RawPeer twin = await RawPeer.CallAsync(one.Transport.ListenEndPoint);
        await twin.SendAsync(Handshake.EncodeHello(TestNode.Identity(1, incarnation: 5), expected: 1));

        await RefusedAsync(twin, "two nodes have the same id");
    }

    [Fact]
    public async Task TcpTransport_caller_in_an_unknown_form_is_refused()
    {
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);
        using RawPeer newer = await RawPeer.CallAsync(one.Transport.ListenEndPoint);
        await newer.SendAsync(Handshake.EncodeHello(TestNode.Identity(2), expected: 1, form: 7));

        await RefusedAsync(newer, "the caller greets in form 7, which this node does not know");
        await Eventually.TrueAsync(
            () => one.Log.Any(line => line.Contains("form 7", StringComparison.Ordinal)), () => "it is logged");
    }

    [Fact]
    public async Task TcpTransport_peer_with_other_voters_is_refused_by_name()
    {
        // Three endpoints were edited to five, and one replica was started anew: two of three and three of five are
        // disjoint.
        var directory = new Directory();
        PeerIdentity edited = TestNode.Identity(2) with { Terms = TestNode.Terms with { Voters = "1,2,3,4,5" } };
        await using TestNode one = await TestNode.StartAsync(1, [2, 3], directory);
        await using TestNode two = await TestNode.StartAsync(2, [1, 3, 4, 5], directory, identity: edited);

        await RefusedAsync(one, 2, "node 1 began with the voters 1,2,3, node 2 with 1,2,3,4,5");
        await RefusedAsync(two, 1, "node 2 began with the voters 1,2,3,4,5, node 1 with 1,2,3");
    }

    [Theory]
    [InlineData(800, 640)]
    [InlineData(200, 160)]
    [InlineData(800, 0)]
    [InlineData(400, 390)]
    public async Task TcpTransport_peer_with_other_times_that_the_lease_rests_on_is_refused_by_name(
        int electionTimeoutMs, int leaseMs)
    {
        var directory = new Directory();
        PeerIdentity edited = TestNode.Identity(2) with
        {
            Terms = TestNode.Terms with { ElectionTimeoutMs = electionTimeoutMs, LeaseMs = leaseMs },
        };
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);
        await using TestNode two = await TestNode.StartAsync(2, [1], directory, identity: edited);

        string otherTimes = $"node 2 has election timeout {electionTimeoutMs} ms and lease {leaseMs} ms";
        await RefusedAsync(one, 2, $"node 1 has election timeout 400 ms and lease 320 ms, {otherTimes}");
        await RefusedAsync(two, 1, $"{otherTimes}, node 1 has election timeout 400 ms and lease 320 ms");
    }

    [Theory]
    [InlineData(400, 0)]
    [InlineData(400, 320)]
    public async Task TcpTransport_peer_with_a_lease_that_is_safe_is_welcome(int electionTimeoutMs, int leaseMs)
    {
        var directory = new Directory();
        PeerIdentity edited = TestNode.Identity(2) with
        {
            Terms = TestNode.Terms with { ElectionTimeoutMs = electionTimeoutMs, LeaseMs = leaseMs },
        };
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);
        await using TestNode two = await TestNode.StartAsync(2, [1], directory, identity: edited);

        await one.ConnectedToAsync(2);
        await two.ConnectedToAsync(1);
    }

    [Fact]
    public async Task TcpTransport_silent_connections_do_not_keep_a_peer_out()
    {
        var directory = new Directory();
        TransportOptions options = TestNode.Quick with { MaxPendingHandshakes = 4, HandshakeTimeoutMs = 120_000 };
        await using TestNode one = await TestNode.StartAsync(1, [2], directory, options);
        var silent = new List<RawPeer>();
        try
        {
            for (int i = 0; i < 16; i++)
            {
                silent.Add(await RawPeer.CallAsync(one.Transport.ListenEndPoint));
            }

            await using TestNode two = await TestNode.StartAsync(2, [1], directory);
            await two.ConnectedToAsync(1);
        }
        finally
        {
            silent.ForEach(connection => connection.Dispose());
        }
    }

    [Fact]
    public async Task TcpTransport_peer_that_is_refused_again_and_again_is_not_logged_again_and_again()
    {
        var directory = new Directory();
        var remembered = new IncarnationMemory();
        Assert.True(remembered.TryAdmit(2, 0xDEAD));
        TransportOptions hasty = TestNode.Quick with { MaxReconnectDelayMs = 20 };
        await using TestNode one = await TestNode.StartAsync(1, [2], directory, hasty, incarnations: remembered);
        await using TestNode wiped = await TestNode.StartAsync(2, [1], directory, hasty);
        await RefusedAsync(wiped, 1, "it has lost its data directory");
        await RefusedAsync(one, 2, "it has lost its data directory");

        await Task.Delay(1_500);

        // Listening, refused when calling, refused when called, called and ended: each once.
        Assert.InRange(wiped.Log.Count, 1, 6);
        Assert.InRange(one.Log.Count, 1, 6);
    }

    [Fact]
    public async Task TcpTransport_caller_that_lost_its_disk_is_refused_and_the_others_go_on()
    {
        var directory = new Directory();
        var remembered = new IncarnationMemory();
        await using TestNode one = await TestNode.StartAsync(1, [2, 3], directory, incarnations: remembered);
        await using TestNode three = await TestNode.StartAsync(3, [1], directory);
        await using (TestNode two = await TestNode.StartAsync(2, [1], directory))
        {
            await two.ConnectedToAsync(1);
        }

        await using TestNode wiped = await TestNode.StartAsync(
            2, [1], directory, identity: TestNode.Identity(2, incarnation: 0xBAD));

        await RefusedAsync(wiped, 1, "node 2 comes with incarnation 0000000000000BAD, node 1 remembers another");
        await RefusedAsync(one, 2, "it has lost its data directory");
        await one.ConnectedToAsync(3);
    }

    [Fact]
    public async Task TcpTransport_answerer_with_another_identity_is_refused_by_the_caller_and_told_so()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var directory = new Directory { [2] = (IPEndPoint)listener.LocalEndpoint };
        await using TestNode one = await TestNode.StartAsync(1, [2, 3], directory);

        using RawPeer impostor = await RawPeer.TakeAsync(listener, TestNode.Identity(3));

        byte[] answer = new byte[Handshake.MaxFrameBytes];
        int count = await impostor.Socket.ReceiveAsync(answer).WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(
            "node 3 answers at the endpoint of node 2", Handshake.DecodeRefusal(answer.AsSpan(0, count)));
        await RefusedAsync(one, 2, "node 3 answers at the endpoint of node 2");
    }

    [Fact]
    public async Task TcpTransport_registry_that_cannot_write_keeps_the_caller_trying()
    {
        var directory = new Directory();
        var registry = new FailingRegistry { HasFailed = true };
        await using TestNode one = await TestNode.StartAsync(1, [2], directory, incarnations: registry);
        await using TestNode two = await TestNode.StartAsync(2, [1], directory);

        await RefusedAsync(one, 2, "cannot remember the incarnation of node 2: the disk is full");
        Assert.Null(two.Link(1).RefusedReason);

        registry.HasFailed = false;
        await two.ConnectedToAsync(1);
    }

    [Fact]
    public async Task RefusedReason_of_a_peer_that_is_welcome_goes()
    {
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);
        await using (TestNode foreign = await TestNode.StartAsync(
            2, [1], directory, identity: TestNode.Identity(2, "other")))
        {
            await RefusedAsync(one, 2, "cluster");
        }

        await using TestNode two = await TestNode.StartAsync(2, [1], directory);
        await one.ConnectedToAsync(2);
        await two.ConnectedToAsync(1);
        await Eventually.TrueAsync(() => one.Link(2).RefusedReason is null, () => $"no reason is left: {one.Link(2)}");
    }

    [Fact]
    public async Task TcpTransport_same_refusal_is_logged_once()
    {
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);
        for (int i = 0; i < 5; i++)
        {
            using RawPeer foreign = await RawPeer.CallAsync(one.Transport.ListenEndPoint);
            await foreign.SendAsync(Handshake.EncodeHello(TestNode.Identity(2, "other"), expected: 1));
            await RefusedAsync(foreign, "cluster");
        }

        Assert.Single(one.Log, line => line.Contains("is refused", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    [InlineData("\u0080\u0001\0\u0001\0\0\0\u0004ping")]
    [InlineData("\u00c5\0@\0\u00ff\u00ff\u00ff\u007f")]
    public async Task TcpTransport_garbage_of_an_unknown_peer_closes_its_connection_and_harms_nobody(string garbage)
    {
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);
        await using TestNode two = await TestNode.StartAsync(2, [1], directory);
        await two.ConnectedToAsync(1);

        using RawPeer unknown = await RawPeer.CallAsync(one.Transport.ListenEndPoint);
        await unknown.SendAsync(Encoding.Latin1.GetBytes(garbage));
        await unknown.ClosedByOtherAsync();

        two.Transport.Send([new ReadIndexRequest(two.Id, one.Id, 1)]);
        await one.ReceivedAsync(1);
        Assert.Contains(one.Log, line => line.Contains("closed during the handshake", StringComparison.Ordinal));
    }

    [Fact]
    public async Task TcpTransport_silent_caller_is_closed_in_time_however_it_trickles()
    {
        var directory = new Directory();
        TransportOptions hasty = TestNode.Quick with { HandshakeTimeoutMs = 200 };
        await using TestNode one = await TestNode.StartAsync(1, [2], directory, hasty);
        using RawPeer silent = await RawPeer.CallAsync(one.Transport.ListenEndPoint);
        using RawPeer slow = await RawPeer.CallAsync(one.Transport.ListenEndPoint);
        await slow.SendAsync(Handshake.EncodeHello(TestNode.Identity(2), expected: 1).AsMemory(0, 3));

        await silent.ClosedByOtherAsync();
        await slow.ClosedByOtherAsync();
    }

    [Fact]
    public async Task TcpTransport_pending_handshakes_beyond_the_limit_are_closed_at_once_and_peers_still_get_in()
    {
        var directory = new Directory();
        TransportOptions few = TestNode.Quick with { MaxPendingHandshakes = 2, HandshakeTimeoutMs = 3000 };
        await using TestNode one = await TestNode.StartAsync(1, [2], directory, few);
        using RawPeer first = await RawPeer.CallAsync(one.Transport.ListenEndPoint);
        using RawPeer second = await RawPeer.CallAsync(one.Transport.ListenEndPoint);
        using RawPeer third = await RawPeer.CallAsync(one.Transport.ListenEndPoint);
        await third.ClosedByOtherAsync();

        await using TestNode two = await TestNode.StartAsync(2, [1], directory);
        await two.ConnectedToAsync(1);
        Assert.Contains(one.Log, line => line.Contains("2 connections have not identified", StringComparison.Ordinal));
    }

    [Fact]
    public async Task TcpTransport_peer_that_sends_garbage_after_the_handshake_loses_its_connection_only()
    {
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2, 3], directory);
        await using TestNode three = await TestNode.StartAsync(3, [1], directory);
        await three.ConnectedToAsync(1);
        using RawPeer two = await RawPeer.GreetAsync(one.Transport.ListenEndPoint, TestNode.Identity(2), expected: 1);
        byte[] frame = SampleMessages.Encode(new ReadIndexRequest(new NodeId(2), one.Id, 1));
        frame[^1] ^= 1;

        await two.SendAsync(frame);
        await two.ClosedByOtherAsync();

        three.Transport.Send([new ReadIndexRequest(three.Id, one.Id, 2)]);
        await one.ReceivedAsync(1);
        Assert.Equal(three.Id, Assert.Single(one.Messages).From);
        Assert.Contains(one.Log, line => line.Contains("checksum", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(3, 1, "speaks in the name of node-3")]
    [InlineData(2, 3, "meant for node-3")]
    public async Task TcpTransport_peer_that_speaks_for_or_to_others_loses_its_connection(
        int from, int to, string expected)
    {
        await using TestNode one = await TestNode.StartAsync(1, [2, 3], new Directory());
        using RawPeer two = await RawPeer.GreetAsync(one.Transport.ListenEndPoint, TestNode.Identity(2), expected: 1);

        await two.SendAsync(SampleMessages.Encode(new ReadIndexRequest(new NodeId(from), new NodeId(to), 1)));
        await two.ClosedByOtherAsync();

        Assert.Empty(one.Messages);
        Assert.Contains(one.Log, line => line.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public async Task TcpTransport_peer_that_calls_again_replaces_its_older_connection()
    {
        await using TestNode one = await TestNode.StartAsync(1, [2], new Directory());
        using RawPeer older = await RawPeer.GreetAsync(one.Transport.ListenEndPoint, TestNode.Identity(2), expected: 1);
        using RawPeer newer = await RawPeer.GreetAsync(one.Transport.ListenEndPoint, TestNode.Identity(2), expected: 1);

        await older.ClosedByOtherAsync();
        await newer.SendAsync(SampleMessages.Encode(new ReadIndexRequest(new NodeId(2), one.Id, 1)));
        await one.ReceivedAsync(1);
    }

    private static Task RefusedAsync(TestNode node, int peer, string reason) => Eventually.TrueAsync(
        () => node.Link(peer).RefusedReason?.Contains(reason, StringComparison.Ordinal) == true
            && node.Log.Any(line => line.Contains(reason, StringComparison.Ordinal)),
        () => $"'{reason}' is told and logged; {node.Link(peer)}");

    private static async Task RefusedAsync(RawPeer caller, string reason)
    {
        byte[] answer = await caller.ReceiveHandshakeAsync();
        HandshakeRefusedException refusal = Assert.Throws<HandshakeRefusedException>(
            () => Handshake.DecodeAnswer(answer, Handshake.RangeForm, PeerRelease.Plain));
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
        await caller.ClosedByOtherAsync();
    }

    private sealed class FailingRegistry : IIncarnationRegistry
    {
        private volatile bool _hasFailed;

        public bool HasFailed
        {
            get => _hasFailed;
            set => _hasFailed = value;
        }

        public bool TryAdmit(int nodeId, long incarnation) =>
            HasFailed ? throw new IOException("the disk is full") : true;
    }
}
