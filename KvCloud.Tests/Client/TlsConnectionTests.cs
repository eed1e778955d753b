using KvCloud.Client;
using KvCloud.Client.Connections;
using KvCloud.Node.Rpc;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Tls;
using KvCloud.Tests.Node.Rpc;
using KvCloud.Tests.Node.Tls;
using KvCloud.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using ClientTls = KvCloud.Client.Connections.ClientTls;
using ServerTls = KvCloud.Node.Tls.ClientTls;

namespace KvCloud.Tests.Client;

/// <summary>What the client says of a TLS connection that does not come about, with the node's own server.</summary>
public sealed class TlsConnectionTests : IDisposable
{
    private readonly TestCa _ca = new();
    private readonly TestMeters _meters = new();

    public void Dispose()
    {
        _ca.Dispose();
        _meters.Dispose();
    }

    [Fact]
    public async Task OpenAsync_server_that_speaks_clear_text_is_named_so()
    {
        await using RpcTestHost host = await RpcTestHost.StartAsync(new EchoDispatcher());

        Assert.Contains("perhaps it speaks clear text", await FailureAsync(host, Settings()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenAsync_certificate_that_has_expired_is_named_so()
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        var past = new FakeTimeProvider(now.AddDays(-5));
        await using RpcTestHost host = await StartAsync(_ca.Node(1, from: now.AddDays(-9), to: now.AddDays(-1)), past);

        Assert.Contains("is not valid now", await FailureAsync(host, Settings()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenAsync_certificate_of_another_host_is_named_so()
    {
        await using RpcTestHost host = await StartAsync(_ca.Issue([], [], host: "elsewhere"));

        string failure = await FailureAsync(host, Settings());

        Assert.Contains("is for elsewhere, and not for 127.0.0.1", failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenAsync_certificate_of_a_ca_that_the_machine_does_not_know_is_named_so()
    {
        await using RpcTestHost host = await StartAsync(_ca.Node(1));

        string failure = await FailureAsync(host, Settings() with { Ca = null });

        Assert.Contains("not of a CA that this machine trusts (setting TlsCa", failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenAsync_ca_file_that_was_replaced_counts_from_the_next_connection_on()
    {
        using var other = new TestCa("Other CA");
        await using RpcTestHost host = await StartAsync(_ca.Node(1));
        string file = other.Write("trusted.pem", other.Pem);
        var tls = new ClientTls(Settings() with { Ca = file });
        Assert.Contains($"is in {file}", await FailureAsync(host, tls), StringComparison.Ordinal);

        await File.WriteAllTextAsync(file, "nothing");
        await FailureAsync(host, tls);
        await File.WriteAllTextAsync(file, _ca.Pem);
        await using Connector connector = await Factory(tls).OpenAsync("127.0.0.1", host.Port, default);

        Assert.False(connector.IsClosed);
    }

    [Theory]
    [InlineData("TlsCa=/none.pem", "Setting TlsCa: /none.pem cannot be read")]
    [InlineData("TlsCertificate=/none.pem", "TlsCertificate and TlsKey belong together")]
    [InlineData("TlsKey=/none.pem", "TlsCertificate and TlsKey belong together")]
    [InlineData("UseTls=true;TlsMinVersion=1.1", "TlsMinVersion is 1.2 or 1.3, not '1.1'")]
    public void KvCloudClient_wrong_tls_setting_is_refused_by_name(string settings, string expected)
    {
        ArgumentException failure = Assert.Throws<ArgumentException>(
            () => new KvCloudClient($"Endpoints=localhost:1;{settings}"));

        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void KvCloudClient_key_of_another_certificate_is_refused_by_name()
    {
        PemPair pair = _ca.Client("ann") with { Key = _ca.Client("bob").Key };

        ArgumentException failure = Assert.Throws<ArgumentException>(() => new KvCloudClient(
            $"Endpoints=localhost:1;TlsCertificate={pair.Certificate};TlsKey={pair.Key}"));

        Assert.Contains(
            $"Setting TlsKey: {pair.Key} is not the key of", failure.Message, StringComparison.Ordinal);
    }

    private static ConnectorFactory Factory(ClientTls tls) => new(
        new ConnectorOptions(8, 1024, 1024, 1024, KeepAliveTimeoutMs: 1_000, TimeProvider.System),
        TimeSpan.FromSeconds(20),
        tls);

    private static async Task<string> FailureAsync(RpcTestHost host, ClientTls tls) =>
        (await Assert.ThrowsAsync<IOException>(() => Factory(tls).OpenAsync("127.0.0.1", host.Port, default))).Message;

    private static Task<string> FailureAsync(RpcTestHost host, TlsSettings settings) =>
        FailureAsync(host, new ClientTls(settings));

    private TlsSettings Settings() => new(_ca.CaFile, null, null, null);

    private Task<RpcTestHost> StartAsync(PemPair pair, TimeProvider? time = null) => RpcTestHost.StartAsync(
        services =>
        {
            services.AddSingleton<IRpcDispatcher>(new EchoDispatcher());
            services.AddSingleton(CertificateStore.Open(
                CertificateStoreTests.Options(pair, _ca.CaFile, node: 1) with { HasPeers = false },
                time ?? TimeProvider.System));
            services.AddSingleton(new TlsMetrics(_meters));
            services.AddSingleton<ServerTls>();
        },
        new RpcOptions());
}
