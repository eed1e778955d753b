using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using KvCloud.Consensus;
using KvCloud.Node.Tls;
using KvCloud.Node.Transport;
using KvCloud.Tests.Node.Tls;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Node.Transport;

/// <summary>Who may speak to a replica whose peers' port speaks TLS, over real sockets.</summary>
public sealed class TlsTransportTests : IDisposable
{
    private const string Cluster = "cluster";
    private static readonly NodeId One = new(1);
    private static readonly NodeId Two = new(2);
    private readonly TestCa _ca = new();

    public void Dispose() => _ca.Dispose();

    [Fact]
    public async Task TcpTransport_peers_with_certificates_exchange_messages_of_any_size()
    {
        var directory = new Directory();
        await using TestNode one = await StartAsync(1, directory);
        await using TestNode two = await StartAsync(2, directory);
        await one.ConnectedToAsync(2);
        await two.ConnectedToAsync(1);
        const int Count = 20;
        for (int slot = 1; slot <= Count; slot++)
        {
            one.Transport.Send([SampleMessages.AcceptOf(One, Two, slot, payloadBytes: slot * 100_000)]);
            one.Transport.Send([new Heartbeat(One, Two, new Ballot(1, One), slot, Slot.Zero, Slot.Zero)]);
        }

        two.Transport.Send([new Heartbeat(Two, One, new Ballot(1, Two), 7, Slot.Zero, Slot.Zero)]);
        await two.ReceivedAsync(2 * Count);
        await one.ReceivedAsync(1);

        Assert.Equal(
            Enumerable.Range(1, Count).Select(slot => new Slot(slot)),
            two.Messages.OfType<Accept>().Select(message => message.Entries[0].Slot));
        Assert.Equal(0, one.Link(2).DroppedMessages);
        Assert.True(two.Link(1).ReceivedBytes > 20_000_000);
    }

    [Fact]
    public async Task Send_to_a_peer_that_does_not_read_never_blocks_the_sender()
    {
        var directory = new Directory();
        TransportOptions narrow = TestNode.Quick with
        {
            MaxFrameBytes = 1024 * 1024,
            MaxQueuedBulkBytes = 2 * 1024 * 1024,
            PeerTimeoutMs = 60_000,
        };
        await using TestNode one = await StartAsync(1, directory, options: narrow);
        await using TestNode two = await StartAsync(2, directory, options: narrow);
        await one.ConnectedToAsync(2);
        using var readsOn = new ManualResetEventSlim();
        two.OnBatch = _ => readsOn.Wait();

        // 64 MiB: more than any socket buffers and the queue hold together. This returns though nobody reads.
        const int Count = 1024;
        for (int slot = 1; slot <= Count; slot++)
        {
            one.Transport.Send([SampleMessages.AcceptOf(One, Two, slot, payloadBytes: 64 * 1024)]);
        }

        long dropped = one.Link(2).DroppedMessages;
        Assert.InRange(dropped, 1, Count - 1);
        readsOn.Set();
        await two.ReceivedAsync(Count - (int)dropped);
        Assert.Equal(Count - dropped, one.Transport.FindPeer(2)!.SentMessages);
    }

    [Theory]
    [InlineData(3, Cluster)]
    [InlineData(2, "other")]
    public async Task TcpTransport_caller_with_the_certificate_of_another_is_refused_by_name(
        int node, string cluster)
    {
        string reason = $"a certificate of kvcloud://{cluster}/nodes/{node} comes in the name of"
            + " kvcloud://cluster/nodes/2";
        var directory = new Directory();
        await using TestNode one = await StartAsync(1, directory);
        await using SslStream caller = await CallAsync(one, _ca.Node(node, cluster));
        await caller.WriteAsync(Handshake.EncodeHello(TestNode.Identity(2), expected: 1));

        byte[] answer = await ReadFrameAsync(caller);

        HandshakeRefusedException refusal = Assert.Throws<HandshakeRefusedException>(
            () => Handshake.DecodeAnswer(answer, Handshake.RangeForm, PeerRelease.Plain));
        Assert.Equal(reason, refusal.Message);
        await LoggedAsync(one, $"is refused: {reason}");
        Assert.Null(one.Transport.IdentityOf(Two));
    }

    [Theory]
    [InlineData("none", "it has shown no certificate")]
    [InlineData("other ca", "is not of a CA that is trusted here")]
    [InlineData("expired", "is not valid now")]
    [InlineData("server only", "is not meant for this use")]
    public async Task TcpTransport_caller_without_a_certificate_of_the_ca_is_refused_by_name(
        string what, string reason)
    {
        var directory = new Directory();
        using var other = new TestCa("Other CA");
        DateTimeOffset now = DateTimeOffset.UtcNow;
        PemPair? pair = what switch
        {
            "none" => null,
            "other ca" => other.Node(2, Cluster),
            "expired" => _ca.Node(2, Cluster, now.AddDays(-9), now.AddDays(-1)),
            _ => _ca.Issue([TestCa.NodeUri(2, Cluster)], ["1.3.6.1.5.5.7.3.1"]),
        };
        await using TestNode one = await StartAsync(1, directory);

        // With TLS 1.3 the caller hears of it with its first read.
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await using SslStream caller = await CallAsync(one, pair);
            await caller.WriteAsync(Handshake.EncodeHello(TestNode.Identity(2), expected: 1));
            await ReadFrameAsync(caller);
        });
        await LoggedAsync(one, reason);
        Assert.Null(one.Transport.IdentityOf(Two));
    }

    /// <summary>The attack that began this: a Hello that was seen on the wire, said again.</summary>
    [Fact]
    public async Task TcpTransport_caller_in_clear_text_is_refused_by_name()
    {
        var directory = new Directory();
        await using TestNode one = await StartAsync(1, directory);
        using RawPeer caller = await RawPeer.CallAsync(one.Transport.ListenEndPoint);
        await caller.SendAsync(Handshake.EncodeHello(TestNode.Identity(2), expected: 1));

        byte[] answer = await caller.ReceiveHandshakeAsync();

        HandshakeRefusedException refusal = Assert.Throws<HandshakeRefusedException>(
            () => Handshake.DecodeAnswer(answer, Handshake.RangeForm, PeerRelease.Plain));
        Assert.Equal("node 2 speaks clear text, and node 1 demands TLS (tls.peers)", refusal.Message);
        await caller.ClosedByOtherAsync();
        await LoggedAsync(one, refusal.Message);
        Assert.Null(one.Transport.IdentityOf(Two));
    }

    /// <summary>Nothing is said to it, not even the Hello, in which the incarnation is.</summary>
    [Fact]
    public async Task TcpTransport_answerer_with_the_certificate_of_another_node_is_refused_before_the_hello()
    {
        var directory = new Directory();
        await using TestNode one = await StartAsync(1, directory);
        await using TestNode three = await TestNode.StartAsync(
            3, [1, 2], directory, TestNode.Quick, tls: Tls(_ca.Node(3, Cluster), 3));
        directory[2] = three.Transport.ListenEndPoint;

        const string Reason = "a certificate of kvcloud://cluster/nodes/3 answers at the endpoint of"
            + " kvcloud://cluster/nodes/2";
        await LoggedAsync(one, Reason);
        Assert.Equal(Reason, one.Link(2).RefusedReason);
        Assert.DoesNotContain(three.Log, line => line.Contains("looks for node", StringComparison.Ordinal));
    }

    /// <summary>As a running group changes: each pair of neighbours among the modes is connected.</summary>
    [Theory]
    [InlineData("Off", "Optional", false)]
    [InlineData("Optional", "Optional", true)]
    [InlineData("Optional", "Required", true)]
    public async Task TcpTransport_peers_of_neighbouring_modes_connect(string first, string second, bool byTls)
    {
        var directory = new Directory();
        using var meters = new TestMeters();
        await using TestNode one = await StartAsync(1, directory, Enum.Parse<TlsMode>(first), meters: meters);
        await using TestNode two = await StartAsync(2, directory, Enum.Parse<TlsMode>(second));

        await one.ConnectedToAsync(2);
        await two.ConnectedToAsync(1);
        one.Transport.Send([SampleMessages.AcceptOf(One, Two, 1, payloadBytes: 100)]);
        await two.ReceivedAsync(1);

        Assert.Equal(byTls, meters.Handshakes("ok") > 0);
    }

    [Fact]
    public async Task TcpTransport_peer_that_demands_tls_says_so_to_one_that_does_not_speak_it()
    {
        var directory = new Directory();
        await using TestNode one = await StartAsync(1, directory, TlsMode.Off);
        await using TestNode two = await StartAsync(2, directory);

        await Eventually.TrueAsync(
            () => one.Link(2).RefusedReason == "node 1 speaks clear text, and node 2 demands TLS (tls.peers)",
            () => $"{one.Link(2)}");
        await LoggedAsync(one, "the caller speaks TLS, and this node does not (tls.peers)");
    }

    [Fact]
    public async Task TcpTransport_connection_goes_on_while_certificates_change_and_the_next_uses_the_new_ones()
    {
        var directory = new Directory();
        PemPair pair = _ca.Node(1, Cluster);
        CertificateStore store = Open(pair, 1);
        await using TestNode one = await TestNode.StartAsync(
            1, [2], directory, TestNode.Quick, tls: new PeerTls(store, TestMeters.NewMetrics()));
        await using TestNode two = await StartAsync(2, directory);
        await two.ConnectedToAsync(1);
        await one.ConnectedToAsync(2);
        PemPair next = _ca.Node(1, Cluster);
        next.CopyTo(pair);
        store.Poll();
        Assert.Equal(ReloadOutcome.Reloaded, store.Poll());

        one.Transport.Send([SampleMessages.AcceptOf(One, Two, 1, payloadBytes: 100)]);
        await two.ReceivedAsync(1);
        Assert.Equal(0, two.Link(1).Reconnects);
        await using SslStream caller = await CallAsync(one, _ca.Node(3, Cluster));
        using var wanted = X509Certificate2.CreateFromPem(await File.ReadAllTextAsync(next.Certificate));
        Assert.Equal(wanted.SerialNumber, ((X509Certificate2)caller.RemoteCertificate!).SerialNumber);
    }

    [Fact]
    public async Task TcpTransport_handshake_that_is_not_done_in_time_is_closed()
    {
        var directory = new Directory();
        await using TestNode one = await StartAsync(
            1, directory, options: TestNode.Quick with { HandshakeTimeoutMs = 200 });
        using RawPeer silent = await RawPeer.CallAsync(one.Transport.ListenEndPoint);
        await silent.SendAsync(new byte[] { 0x16, 0x03, 0x01 });

        await silent.ClosedByOtherAsync();
    }

    private static async Task LoggedAsync(TestNode node, string text) => await Eventually.TrueAsync(
        () => node.Log.Any(line => line.Contains(text, StringComparison.Ordinal)),
        () => $"'{text}' is logged, and not only: {string.Join('\n', node.Log)}");

    private static async Task<byte[]> ReadFrameAsync(Stream stream)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var buffer = new HandshakeBuffer();
        int count;
        do
        {
            count = await stream.ReadAsync(buffer.Free(), limit.Token);
            if (count == 0)
            {
                throw new EndOfStreamException("closed");
            }
        }
        while (!buffer.Advance(count));

        return buffer.Frame.ToArray();
    }

    private static async Task<SslStream> CallAsync(TestNode node, PemPair? pair)
    {
        RawPeer peer = await RawPeer.CallAsync(node.Transport.ListenEndPoint);
        var stream = new SslStream(
            new NetworkStream(peer.Socket, ownsSocket: true), false, (_, shown, _, _) => shown is not null);
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "",
            EnabledSslProtocols = SslProtocols.Tls13,
            ClientCertificates = pair is null
                ? null
                : [X509Certificate2.CreateFromPemFile(pair.Certificate, pair.Key)],
        });
        return stream;
    }

    private CertificateStore Open(PemPair pair, int node, TlsMode mode = TlsMode.Required) => CertificateStore.Open(
        new TlsOptions(new NodeName(Cluster, node), new TlsFiles(pair.Certificate, pair.Key, _ca.CaFile))
        {
            Peers = mode,
        },
        TimeProvider.System);

    private PeerTls Tls(PemPair pair, int node, TlsMode mode = TlsMode.Required, TestMeters? meters = null) =>
        new(Open(pair, node, mode), meters is null ? TestMeters.NewMetrics() : new TlsMetrics(meters));

    private Task<TestNode> StartAsync(
        int id,
        Directory directory,
        TlsMode mode = TlsMode.Required,
        TransportOptions? options = null,
        TestMeters? meters = null) => TestNode.StartAsync(
            id,
            [3 - id],
            directory,
            options ?? TestNode.Quick,
            tls: mode == TlsMode.Off ? null : Tls(_ca.Node(id, Cluster), id, mode, meters));
}
