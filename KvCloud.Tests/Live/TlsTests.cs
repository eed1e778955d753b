using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using KvCloud.Client;
using KvCloud.Consensus;
using KvCloud.LocalCluster;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;
using KvCloud.Tests.Node.Transport;
using KvCloud.Tests.Support;
using Directory = System.IO.Directory;

namespace KvCloud.Tests.Live;

/// <summary>A secured group of processes under load: strangers, rolling changes, certificates that change.</summary>
[Collection(LiveCollection.Name)]
public sealed class TlsTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly LiveCertificates _certificates = new();

    public void Dispose() => _certificates.Dispose();

    /// <summary>
    /// The attack that began this: a Hello that was seen on the wire, then an Accept and a Heartbeat in the leader's
    /// name. Without TLS the stranger is welcomed, which shows that the attack is one.
    /// </summary>
    [Fact]
    public async Task Group_without_tls_welcomes_a_stranger_with_a_sniffed_hello()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await using KvCloudClient client = cluster.NewClient();
        int leader = await cluster.LeaderAsync(client);
        int victim = (leader + 1) % 3;
        using RawPeer stranger = await RawPeer.CallAsync(PeerPort(cluster, victim));
        await stranger.SendAsync(Handshake.EncodeHello(Sniffed(cluster, leader), victim));

        Welcome welcome = Handshake.DecodeAnswer(
            await stranger.ReceiveHandshakeAsync(), Handshake.RangeForm, PeerRelease.Plain);

        Assert.Equal(victim, welcome.Identity.NodeId);
    }

    [Fact]
    public async Task Group_with_tls_refuses_strangers_by_name_and_goes_on()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(certificates: _certificates);
        await using KvCloudClient client = cluster.NewClient();
        await using var load = new RegisterLoad(cluster);
        await load.NextAcknowledgedAsync(Patience);
        int leader = await cluster.LeaderAsync(client);
        int victim = (leader + 1) % 3;
        using var otherCa = new TestCa("Other CA");

        await AttackAsync(cluster, leader, victim, pair: null, byTls: false);
        await LoggedAsync(cluster, victim, $"node {leader} speaks clear text, and node {victim} demands TLS");
        await AttackAsync(cluster, leader, victim, pair: null, byTls: true);
        await LoggedAsync(cluster, victim, "it has shown no certificate");
        await AttackAsync(cluster, leader, victim, otherCa.Node(leader), byTls: true);
        await LoggedAsync(cluster, victim, "is not of a CA that is trusted here");
        await AttackAsync(cluster, leader, victim, _certificates.Ca.Node(leader, "other"), byTls: true);
        await LoggedAsync(cluster, victim, $"a certificate of kvcloud://other/nodes/{leader} comes in the name of");
        await AttackAsync(cluster, leader, victim, _certificates.Ca.Node(7), byTls: true);
        await LoggedAsync(cluster, victim, "a certificate of kvcloud://kvcloud/nodes/7 comes in the name of");
        await AttackAsync(cluster, leader, victim, _certificates.User, byTls: true);
        await LoggedAsync(cluster, victim, "a certificate of kvcloud://kvcloud/users/ann comes in the name of");

        await load.NextAcknowledgedAsync(Patience);
        Assert.Equal(leader, await cluster.LeaderAsync(client));
        await load.StopAsync();
        await load.AssertKeptAsync(cluster, 0, 1, 2);
        Assert.Null(await client.GetStringAsync("forged"));
    }

    [Fact]
    public async Task Clients_port_with_tls_tells_each_stranger_what_is_wrong()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(replicas: 1, certificates: _certificates);
        using var otherCa = new TestCa("Other CA");
        PemPair stranger = otherCa.Client("ann");
        await using KvCloudClient known = cluster.NewClient();
        await known.SetAsync("a", "1");

        Assert.Contains("the server demands TLS (setting UseTls)", await FailureAsync(cluster, settings =>
        {
            settings.TlsCa = null;
            settings.TlsCertificate = null;
            settings.TlsKey = null;
        }), StringComparison.Ordinal);
        Assert.Contains($"is not of a CA that is in {otherCa.CaFile}", await FailureAsync(
            cluster, settings => settings.TlsCa = otherCa.CaFile), StringComparison.Ordinal);
        Assert.Contains("is for localhost, 127.0.0.1, and not for elsewhere", await FailureAsync(
            cluster, settings => settings.TlsServerName = "elsewhere"), StringComparison.Ordinal);
        await FailureAsync(cluster, settings =>
        {
            settings.TlsCertificate = stranger.Certificate;
            settings.TlsKey = stranger.Key;
        });
        await LoggedAsync(cluster, 0, "is not of a CA that is trusted here");
        Assert.Equal("1", await known.GetStringAsync("a"));
    }

    /// <summary>One replica after the other, under load, and no call fails: off, optional, required.</summary>
    [Fact]
    public async Task Group_changes_from_clear_text_to_tls_while_it_serves()
    {
        string[] modes = ["off", "off", "off"];
        await using LiveCluster cluster = await LiveCluster.StartAsync(
            environment: replica => Modes(modes[replica.Index]), certificates: _certificates, probesByTls: false);
        cluster.Certificates = null;
        await using var inClearText = new RegisterLoad(cluster);
        foreach (int index in Enumerable.Range(0, 3))
        {
            modes[index] = "optional";
            await cluster.Processes.RestartAsync(index);
            await cluster.WaitHealthyAsync();
            await inClearText.NextAcknowledgedAsync(Patience);
        }

        cluster.Certificates = _certificates;
        await using var byTls = new RegisterLoad(cluster, prefix: "tls/");
        await byTls.NextAcknowledgedAsync(Patience);
        await inClearText.StopAsync();
        foreach (int index in Enumerable.Range(0, 3))
        {
            modes[index] = "required";
            await cluster.Processes.RestartAsync(index);
            await cluster.WaitHealthyAsync();
            await byTls.NextAcknowledgedAsync(Patience);
        }

        await byTls.StopAsync();
        await inClearText.AssertKeptAsync(cluster, 0, 1, 2);
        await byTls.AssertKeptAsync(cluster, 0, 1, 2);
        string failure = await FailureAsync(cluster, settings =>
        {
            settings.TlsCa = null;
            settings.TlsCertificate = null;
            settings.TlsKey = null;
        });
        Assert.Contains("the server demands TLS", failure, StringComparison.Ordinal);
    }

    /// <summary>A new CA by way of a bundle of both, under load; then only the new one counts.</summary>
    [Fact]
    public async Task Group_takes_new_certificates_of_a_new_ca_without_a_call_that_fails()
    {
        using var next = new TestCa("Next CA");
        await using LiveCluster cluster = await LiveCluster.StartAsync(
            environment: _ => Reload(200), certificates: _certificates);
        await using var load = new RegisterLoad(cluster);
        await load.NextAcknowledgedAsync(Patience);

        await File.WriteAllTextAsync(_certificates.Bundle, _certificates.Ca.Pem + "\n" + next.Pem);
        await LoggedOnAllAsync(cluster, "Certificates loaded anew", times: 1);
        foreach (int index in Enumerable.Range(0, 3))
        {
            next.Node(index).CopyTo(_certificates.Node(index));
        }

        next.Client("ann").CopyTo(_certificates.User);
        await LoggedOnAllAsync(cluster, "Certificates loaded anew", times: 2);
        await File.WriteAllTextAsync(_certificates.Bundle, next.Pem);
        await LoggedOnAllAsync(cluster, "Certificates loaded anew", times: 3);
        await load.NextAcknowledgedAsync(Patience);

        // What is broken changes nothing.
        await File.WriteAllTextAsync(_certificates.Node(0).Certificate, "nothing");
        await LoggedAsync(cluster, 0, "the former certificates stay in use");
        next.Node(0).CopyTo(_certificates.Node(0));
        await cluster.Processes.KillAsync(1);
        cluster.Processes.Start(1);
        await cluster.WaitHealthyAsync();
        await load.NextAcknowledgedAsync(Patience);
        await load.StopAsync();
        await load.AssertKeptAsync(cluster, 0, 1, 2);
    }

    [Fact]
    public async Task Health_of_a_secured_replica_says_so_and_that_its_certificate_ends_soon()
    {
        _certificates.Ca.Node(0, to: DateTimeOffset.UtcNow.AddDays(10)).CopyTo(_certificates.Node(0));
        await using LiveCluster cluster = await LiveCluster.StartAsync(replicas: 1, certificates: _certificates);
        using var handler = new SocketsHttpHandler { UseProxy = false };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null;
        using var http = new HttpClient(handler);

        JsonElement health = await http.GetFromJsonAsync<JsonElement>(
            $"https://127.0.0.1:{cluster.Topology.Replicas[0].HttpPort}/health");
        JsonElement security = health.GetProperty("checks").GetProperty("security");
        Assert.Equal("degraded", security.GetProperty("status").GetString());
        Assert.Contains(
            "in 9 days: replace it", security.GetProperty("description").GetString(), StringComparison.Ordinal);
        string metrics = await http.GetStringAsync(
            $"https://127.0.0.1:{cluster.Topology.Replicas[0].HttpPort}/metrics");
        Assert.Contains("kvcloud_tls_certificate_expiry_seconds", metrics, StringComparison.Ordinal);
        await LoggedAsync(cluster, 0, "in 9 days: replace it");
    }

    [Fact]
    public async Task Program_in_production_does_not_listen_on_more_than_loopback_without_tls()
    {
        NodeVerb refused = await NodeVerb.RunAsync("--listen.address=*", "--database.base_path=/nowhere");

        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("without TLS (tls.clients, tls.http)", refused.Error, StringComparison.Ordinal);
        Assert.Contains("security.insecure = true", refused.Error, StringComparison.Ordinal);
    }

    private static KeyValuePair<string, string?>[] Modes(string mode) =>
    [
        KeyValuePair.Create<string, string?>("KvCloud__Tls__Clients", mode),
        KeyValuePair.Create<string, string?>("KvCloud__Tls__Peers", mode),
        KeyValuePair.Create<string, string?>("KvCloud__Tls__Http", "off"),
    ];

    private static KeyValuePair<string, string?>[] Reload(int milliseconds) =>
        [KeyValuePair.Create<string, string?>("KvCloud__Tls__ReloadIntervalMs", $"{milliseconds}")];

    private static IPEndPoint PeerPort(LiveCluster cluster, int index) =>
        new(IPAddress.Loopback, cluster.Topology.Replicas[index].PeerPort);

    /// <summary>What the leader's Hello says, which crosses a network in clear text where there is no TLS.</summary>
    private static PeerIdentity Sniffed(LiveCluster cluster, int index)
    {
        string path = Path.Combine(cluster.Topology.DataRoot, $"node_{index}", "identity");
        var identity = DirectoryIdentity.Read(File.ReadAllText(path), path);
        return new PeerIdentity(
            identity.ClusterId, index, identity.Incarnation, cluster.Endpoints[index], "",
            new GroupTerms("0,1,2", 400, 310));
    }

    /// <summary>Greets in the leader's name and sends its messages, whatever is answered.</summary>
    private static async Task AttackAsync(LiveCluster cluster, int leader, int victim, PemPair? pair, bool byTls)
    {
        using RawPeer peer = await RawPeer.CallAsync(PeerPort(cluster, victim));
        try
        {
            Stream stream = new NetworkStream(peer.Socket, ownsSocket: false);
            if (byTls)
            {
                var secured = new SslStream(stream, false, (_, shown, _, _) => shown is not null);
                stream = secured;
                await secured.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
                {
                    TargetHost = "",
                    EnabledSslProtocols = SslProtocols.Tls13,
                    ClientCertificates = pair is null
                        ? null
                        : [X509Certificate2.CreateFromPemFile(pair.Certificate, pair.Key)],
                });
            }

            var self = new NodeId(leader);
            var ballot = new Ballot(1000, self);
            await stream.WriteAsync(Handshake.EncodeHello(Sniffed(cluster, leader), victim));
            await stream.WriteAsync(SampleMessages.Encode(
                SampleMessages.AcceptOf(self, new NodeId(victim), 1_000_000, 64)));
            await stream.WriteAsync(SampleMessages.Encode(
                new Heartbeat(self, new NodeId(victim), ballot, 1, new Slot(1_000_000), Slot.Zero)));
            while (await stream.ReadAsync(new byte[4096]) > 0)
            {
            }
        }
        catch (Exception error) when (error is IOException or AuthenticationException or SocketException)
        {
            // Refused.
        }
    }

    private static async Task<string> FailureAsync(LiveCluster cluster, Action<KvCloudClientSettings> change)
    {
        await using KvCloudClient client = cluster.NewClient(settings =>
        {
            settings.Timeout = TimeSpan.FromSeconds(3);
            change(settings);
        });
        KvCloudException failure = await Assert.ThrowsAsync<KvCloudException>(
            () => client.GetAsync("a"u8.ToArray()).AsTask());
        return failure.Message;
    }

    private static Task LoggedOnAllAsync(LiveCluster cluster, string text, int times) => Task.WhenAll(
        Enumerable.Range(0, cluster.Count).Select(index => LoggedAsync(cluster, index, text, times)));

    private static Task LoggedAsync(LiveCluster cluster, int index, string text, int times = 1) =>
        Eventually.TrueAsync(
            () => cluster.Processes.LogTail(index)
                .Count(line => line.Contains(text, StringComparison.Ordinal)) >= times,
            () => $"node-{index} logs '{text}':\n{string.Join('\n', cluster.TailOf(index))}");
}
