using KvCloud.Node.Configuration;
using KvCloud.Node.Tls;

namespace KvCloud.Tests.Node.Configuration;

/// <summary>What the settings of [tls] mean, and where a node may listen without them.</summary>
public sealed class TlsRulesTests : IDisposable
{
    private const string Certificate = """
        [tls]
        certificate = "node.pem"
        key = "node-key.pem"
        ca = "ca.pem"
        """;

    private const string Group = """
        [deployment]
        mode = "replicated"
        replica_endpoints = ["a:9090", "b:9091", "c:9092"]

        """;

    private readonly SettingsFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData("", "Off", "Off", "Off")]
    [InlineData(Certificate, "Required", "Required", "Required")]
    [InlineData(Certificate + "\nclients = \"optional\"\npeers = \"off\"\nhttp = \"off\"", "Optional", "Off", "Off")]
    public void WithDefaults_ports_follow_the_certificate(string toml, string clients, string peers, string http)
    {
        SettingsResult result = _fixture.Load(toml);

        Assert.Empty(result.Mistakes);
        TlsSettings tls = result.Options.Tls;
        Assert.Equal((clients, peers, http), ($"{tls.Clients}", $"{tls.Peers}", $"{tls.Http}"));
    }

    /// <summary>What a variable without a value is, such as those of deploy/compose/insecure.yaml.</summary>
    [Fact]
    public void WithDefaults_blank_files_are_none()
    {
        SettingsResult result = _fixture.Load("[tls]\ncertificate = \"\"\nkey = \"\"\nca = \"\"");

        Assert.Empty(result.Mistakes);
        Assert.Null(result.Options.Tls.Certificate);
        Assert.Equal(TlsMode.Off, result.Options.Tls.Clients);
    }

    [Theory]
    [InlineData("[tls]\nclients = \"required\"", "tls.clients asks for TLS", "it needs tls.certificate and tls.key.")]
    [InlineData("[tls]\nhttp = \"required\"", "tls.http asks for TLS", "it needs tls.certificate and tls.key.")]
    [InlineData("[tls]\ncertificate = \"node.pem\"", "tls.key is not set", "tls.certificate is, and needs its key.")]
    [InlineData("[tls]\nkey = \"key.pem\"", "tls.certificate is not set", "tls.key is, and is of no use without it.")]
    [InlineData(Group + "[tls]\ncertificate = \"n.pem\"\nkey = \"k.pem\"", "tls.ca is not set", "to tell peers from")]
    public void Mistakes_settings_that_do_not_fit_are_named(string toml, string what, string allowed)
    {
        string mistake = Assert.Single(_fixture.Load(toml).Mistakes);

        Assert.StartsWith(what, mistake, StringComparison.Ordinal);
        Assert.Contains(allowed, mistake, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("[listen]\naddress = \"127.0.0.1\"", null)]
    [InlineData("[listen]\naddress = \"::1\"", null)]
    [InlineData("[listen]\naddress = \"*\"", "(tls.clients, tls.http)")]
    [InlineData("[listen]\naddress = \"10.0.0.1\"", "(tls.clients, tls.http)")]
    [InlineData("[listen]\naddress = \"*\"\n[security]\ninsecure = true", null)]
    [InlineData(Group, "(tls.clients, tls.peers, tls.http)")]
    [InlineData(Group + Certificate, null)]
    [InlineData(Group + Certificate + "\nclients = \"optional\"", "(tls.clients)")]
    [InlineData(Group + Certificate + "\npeers = \"off\"", "(tls.peers)")]
    public void WhyNotOpen_ports_without_tls_are_refused_by_name_but_on_loopback(string toml, string? open)
    {
        SettingsResult result = _fixture.Load(toml);
        Assert.Empty(result.Mistakes);

        string? why = TlsRules.WhyNotOpen(result.Options, NodeTopology.From(result.Options));

        if (open is null)
        {
            Assert.Null(why);
        }
        else
        {
            Assert.Contains(open, why, StringComparison.Ordinal);
            Assert.Contains("security.insecure = true", why, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ToTlsOptions_settings_arrive()
    {
        SettingsResult result = _fixture.Load(
            Group + Certificate + """

            min_version = "1.2"
            reload_interval_ms = 700
            handshake_timeout_ms = 800
            max_handshakes = 9
            peers = "optional"
            http = "off"
            """);

        TlsOptions tls = result.Options.ToTlsOptions(NodeTopology.From(result.Options))!;

        Assert.Empty(result.Mistakes);
        Assert.Equal(new NodeName("kvcloud", 0), tls.Node);
        Assert.Equal(new TlsFiles("node.pem", "node-key.pem", "ca.pem"), tls.Files);
        Assert.Equal(
            System.Security.Authentication.SslProtocols.Tls12 | System.Security.Authentication.SslProtocols.Tls13,
            tls.Protocols);
        Assert.Equal((TlsMode.Required, TlsMode.Optional, false), (tls.Clients, tls.Peers, tls.Http));
        Assert.Equal((700, 800, 9), (
            tls.ReloadInterval.TotalMilliseconds, tls.HandshakeTimeout.TotalMilliseconds, tls.MaxHandshakes));
        Assert.True(tls.HasPeers);
    }
}
