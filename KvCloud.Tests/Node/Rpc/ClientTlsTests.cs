using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using KvCloud.Node.Rpc;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Tls;
using KvCloud.Tests.Node.Tls;
using KvCloud.Tests.Node.Transport;
using KvCloud.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>Who may speak on a clients' port that speaks TLS, with a real Kestrel.</summary>
public sealed class ClientTlsTests : IDisposable
{
    private readonly TestCa _ca = new();
    private readonly TestMeters _meters = new();

    public void Dispose()
    {
        _ca.Dispose();
        _meters.Dispose();
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, "1.2")]
    [InlineData(SslProtocols.Tls13, "1.3")]
    public async Task ServeAsync_client_by_tls_gets_its_answers_in_order(SslProtocols version, string counted)
    {
        await using RpcTestHost host = await StartAsync(
            Options() with { Protocols = SslProtocols.Tls12 | SslProtocols.Tls13 });
        await using SslStream client = await ConnectAsync(host, version: version);
        string[] texts = [.. Enumerable.Range(0, 200).Select(i => new string((char)('a' + (i % 26)), i * 100))];
        for (int i = 0; i < texts.Length; i++)
        {
            await client.WriteAsync(RawClient.Frame(RawClient.Ping(i, texts[i])));
        }

        foreach (string text in texts)
        {
            Assert.Contains(text, await ReadAnswerAsync(client), StringComparison.Ordinal);
        }

        Assert.Contains((TlsMetrics.ClientsPort, "ok", counted), _meters.All);
    }

    [Fact]
    public async Task ServeAsync_version_that_is_too_old_is_refused()
    {
        await using RpcTestHost host = await StartAsync(Options());

        await Assert.ThrowsAnyAsync<Exception>(() => ConnectAsync(host, version: SslProtocols.Tls12));

        await LoggedAsync(host, "the TLS handshake failed");
    }

    [Fact]
    public async Task ServeAsync_clear_text_where_tls_is_required_hears_an_alert_and_is_refused_by_name()
    {
        await using RpcTestHost host = await StartAsync(Options());
        using var client = RawClient.Connect(host.Port, isFramed: true);
        await client.Stream.WriteAsync(RawClient.Frame(RawClient.Ping(1, "hello")));

        byte[] heard = new byte[7];
        await client.Stream.ReadExactlyAsync(heard);

        Assert.Equal(new byte[] { 0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x0A }, heard);
        Assert.Equal(0, await client.Stream.ReadAsync(heard));
        await LoggedAsync(host, "it speaks clear text, and this port demands TLS (tls.clients)");
    }

    [Fact]
    public async Task ServeAsync_optional_serves_both()
    {
        await using RpcTestHost host = await StartAsync(Options() with { Clients = TlsMode.Optional });
        using var clear = RawClient.Connect(host.Port, isFramed: true);
        await clear.Stream.WriteAsync(RawClient.Frame(RawClient.Ping(1, "in clear text")));
        Assert.Contains("in clear text", await ReadAnswerAsync(clear.Stream), StringComparison.Ordinal);

        await using SslStream secured = await ConnectAsync(host);
        await secured.WriteAsync(RawClient.Frame(RawClient.Ping(1, "by tls")));
        Assert.Contains("by tls", await ReadAnswerAsync(secured), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ServeAsync_tls_on_a_port_of_clear_text_is_refused_by_name()
    {
        await using RpcTestHost host = await RpcTestHost.StartAsync(new EchoDispatcher());

        await Assert.ThrowsAnyAsync<Exception>(() => ConnectAsync(host));

        await LoggedAsync(host, "it speaks TLS, and this port speaks clear text (tls.clients)");
    }

    [Theory]
    [InlineData("other ca", "is not of a CA that is trusted here")]
    [InlineData("expired", "is not valid now")]
    [InlineData("other cluster", "its certificate, of kvcloud://other/users/ann, is of another cluster than kvcloud")]
    public async Task ServeAsync_certificate_that_does_not_count_is_refused_by_name(string what, string reason)
    {
        using var other = new TestCa("Other CA");
        DateTimeOffset now = DateTimeOffset.UtcNow;
        PemPair pair = what switch
        {
            "other ca" => other.Client("ann"),
            "expired" => _ca.Client("ann", from: now.AddDays(-9), to: now.AddDays(-1)),
            _ => _ca.Client("ann", "other"),
        };
        await using RpcTestHost host = await StartAsync(Options());

        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await using SslStream client = await ConnectAsync(host, pair);
            await client.WriteAsync(RawClient.Frame(RawClient.Ping(1, "hello")));
            await ReadAnswerAsync(client);
        });
        await LoggedAsync(host, reason);
        Assert.Contains(_meters.All, handshake => handshake is (TlsMetrics.ClientsPort, "refused", _));
    }

    [Fact]
    public async Task ServeAsync_certificate_of_the_ca_and_none_are_both_served()
    {
        await using RpcTestHost host = await StartAsync(Options());
        foreach (PemPair? pair in new[] { _ca.Client("ann"), null })
        {
            await using SslStream client = await ConnectAsync(host, pair);
            await client.WriteAsync(RawClient.Frame(RawClient.Ping(1, "hello")));
            Assert.Contains("hello", await ReadAnswerAsync(client), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task ServeAsync_silent_handshake_is_given_up_in_time()
    {
        await using RpcTestHost host = await StartAsync(
            Options() with { HandshakeTimeout = TimeSpan.FromMilliseconds(200) });
        using var silent = RawClient.Connect(host.Port);

        Assert.Equal(0, await silent.Stream.ReadAsync(new byte[1]));
        await LoggedAsync(host, "it was not done within 200 ms");
    }

    [Fact]
    public async Task ServeAsync_silent_handshakes_do_not_keep_a_client_out()
    {
        await using RpcTestHost host = await StartAsync(Options() with { MaxHandshakes = 8 });
        RawClient[] silent = [.. Enumerable.Range(0, 40).Select(_ => RawClient.Connect(host.Port))];

        await using SslStream client = await ConnectAsync(host);
        await client.WriteAsync(RawClient.Frame(RawClient.Ping(1, "hello")));

        Assert.Contains("hello", await ReadAnswerAsync(client), StringComparison.Ordinal);
        foreach (RawClient one in silent)
        {
            one.Dispose();
        }
    }

    /// <summary>So TLS clients tell an end from a connection that somebody cut.</summary>
    [Fact]
    public async Task ServeAsync_client_that_has_sent_all_gets_its_answers_and_an_end()
    {
        await using RpcTestHost host = await StartAsync(Options());
        await using SslStream client = await ConnectAsync(host);
        await client.WriteAsync(RawClient.Frame(RawClient.Ping(1, "hello")));
        await client.ShutdownAsync();

        Assert.Contains("hello", await ReadAnswerAsync(client), StringComparison.Ordinal);
        Assert.Equal(0, await client.ReadAsync(new byte[1]));
        await Eventually.TrueAsync(() => host.Server.ConnectionCount == 0, () => "the connection has ended");
    }

    private static async Task<string> ReadAnswerAsync(Stream stream)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        byte[] header = new byte[4];
        await stream.ReadExactlyAsync(header, limit.Token);
        byte[] body = new byte[System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(header)];
        await stream.ReadExactlyAsync(body, limit.Token);
        return System.Text.Encoding.Latin1.GetString(body);
    }

    private static Task LoggedAsync(RpcTestHost host, string text) => Eventually.TrueAsync(
        () => host.Lines.All.Any(line => line.Contains(text, StringComparison.Ordinal)),
        () => $"'{text}' is logged, and not only: {string.Join('\n', host.Lines.All)}");

    private static async Task<SslStream> ConnectAsync(
        RpcTestHost host, PemPair? pair = null, SslProtocols version = SslProtocols.Tls13)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync("127.0.0.1", host.Port);
        var stream = new SslStream(
            new NetworkStream(socket, ownsSocket: true), false, (_, shown, _, _) => shown is not null);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        try
        {
            await stream.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = "localhost",
                    EnabledSslProtocols = version,
                    ClientCertificates = pair is null
                        ? null
                        : [X509Certificate2.CreateFromPemFile(pair.Certificate, pair.Key)],
                },
                limit.Token);
            return stream;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    private TlsOptions Options()
    {
        PemPair pair = _ca.Node(1);
        return new TlsOptions(
            new NodeName(TestCa.Cluster, 1), new TlsFiles(pair.Certificate, pair.Key, _ca.CaFile));
    }

    private Task<RpcTestHost> StartAsync(TlsOptions options) => RpcTestHost.StartAsync(
        services =>
        {
            services.AddSingleton<IRpcDispatcher>(new EchoDispatcher());
            services.AddSingleton(CertificateStore.Open(options, TimeProvider.System));
            services.AddSingleton(new TlsMetrics(_meters));
            services.AddSingleton<ClientTls>();
        },
        new RpcOptions());
}
