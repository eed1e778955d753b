using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using KvCloud.LocalCluster;
using KvCloud.Node.Configuration;
using KvCloud.Node.Diagnostics;
using KvCloud.Node.Tls;
using KvCloud.Tests.Node.Rpc;
using KvCloud.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace KvCloud.Tests.Node.Diagnostics;

/// <summary>Strangers who connect to the HTTP port and never end, beside a probe; a real Kestrel.</summary>
public sealed class HttpConnectionsTests : IAsyncDisposable
{
    private readonly TestCa _ca = new();
    private readonly RecordingLog _log = new();
    private readonly List<Socket> _strangers = [];
    private HttpConnections _connections = null!;
    private WebApplication? _app;
    private int _port;

    public async ValueTask DisposeAsync()
    {
        _strangers.ForEach(stranger => stranger.Dispose());
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }

        _ca.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(200)]
    public async Task Guard_half_open_handshakes_make_room_and_health_is_answered(int helloBytes)
    {
        const int handshakes = 8, strangers = 200;
        await StartAsync(limit: 1_000, maxHandshakes: handshakes);
        byte[] hello = new byte[helloBytes];
        if (helloBytes > 0)
        {
            // The header of a record that holds the first message of a handshake, and the message never ends.
            byte[] begin = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03];
            begin.AsSpan(0, Math.Min(begin.Length, helloBytes)).CopyTo(hello);
        }

        for (int i = 0; i < strangers; i++)
        {
            await (await ConnectAsync(2)).SendAsync(hello);
        }

        // Those that had to make room are closed; the newest ones alone are left.
        await ConnectionTests.Eventually(() => _strangers.Count(IsClosed) >= strangers - handshakes);
        await ConnectionTests.Eventually(() => _connections.Count <= handshakes);
        Assert.InRange(_connections.PendingHandshakes, 0, handshakes);

        Assert.Equal("well", await GetHealthAsync());
        Assert.InRange(_connections.PendingHandshakes, 0, handshakes);
    }

    [Fact]
    public async Task Guard_handshake_that_takes_too_long_is_given_up()
    {
        await StartAsync(limit: 1_000, maxHandshakes: 100, handshakeTimeout: TimeSpan.FromMilliseconds(500));
        Socket silent = await ConnectAsync(2);
        await ConnectionTests.Eventually(() => _connections.PendingHandshakes == 1);

        await ConnectionTests.Eventually(() => IsClosed(silent));
        await ConnectionTests.Eventually(() => (_connections.Count, _connections.PendingHandshakes) == (0, 0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Guard_connections_of_one_address_beyond_its_share_are_closed_and_others_have_room(bool byTls)
    {
        const int limit = 50, strangers = 100;
        await StartAsync(limit, maxHandshakes: 1_000, byTls: byTls);
        for (int i = 0; i < strangers; i++)
        {
            await ConnectAsync(2);
        }

        await ConnectionTests.Eventually(() => _strangers.Count(IsClosed) >= strangers - limit);
        Assert.InRange(_connections.Count, limit / 2, limit - 1);
        Assert.Equal("well", await GetHealthAsync());
        Assert.Contains(_log.Lines, line => line.Message.Contains(
            $"max_http_connections ({limit}): address 127.0.0.2 holds", StringComparison.Ordinal));
        Assert.InRange(_log.Lines.Count(line => line.Message.Contains("max_http", StringComparison.Ordinal)), 1, 20);
    }

    private async Task StartAsync(
        int limit, int maxHandshakes, TimeSpan? handshakeTimeout = null, bool byTls = true)
    {
        PemPair pair = _ca.Node(0);
        CertificateStore? store = byTls
            ? CertificateStore.Open(
                new TlsOptions(new NodeName(TestCa.Cluster, 0), new TlsFiles(pair.Certificate, pair.Key, _ca.CaFile))
                {
                    MaxHandshakes = maxHandshakes,
                    HandshakeTimeout = handshakeTimeout ?? TimeSpan.FromMinutes(5),
                },
                TimeProvider.System)
            : null;
        _connections = new HttpConnections(limit, store, TimeProvider.System);
        _port = FreePorts.Find(1)[0];
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(_log);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenAt("127.0.0.1", _port, _connections.Guard));
        _app = builder.Build();
        _app.MapGet("/health", () => "well");
        await _app.StartAsync();
    }

    private async Task<Socket> ConnectAsync(byte address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _strangers.Add(socket);
        socket.Bind(new IPEndPoint(new IPAddress([127, 0, 0, address]), 0));
        await socket.ConnectAsync(IPAddress.Loopback, _port);
        return socket;
    }

    private async Task<string> GetHealthAsync()
    {
        bool byTls = _connections.IsSecured;
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            CustomTrustStore = { X509CertificateLoader.LoadCertificateFromFile(_ca.CaFile) },
        };
        using var client = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(60) };
        return await client.GetStringAsync($"{(byTls ? "https" : "http")}://localhost:{_port}/health");
    }

    private static bool IsClosed(Socket socket)
    {
        try
        {
            return socket.Poll(0, SelectMode.SelectRead) && socket.Receive(new byte[100]) == 0;
        }
        catch (SocketException)
        {
            return true;
        }
    }
}
