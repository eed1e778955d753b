using KvCloud.Client;
using KvCloud.Client.Calls;
using KvCloud.Client.Topology;
using KvCloud.Protocol;

namespace KvCloud.Tests.Client;

public sealed class SettingsTests
{
    [Fact]
    public void Apply_whole_connection_string_goes_before_the_settings()
    {
        var given = new KvCloudClientSettings
        {
            ConnectionString =
                "Endpoints=a:1,b:2;Consistency=local;Max_Staleness=1500ms;Timeout=2m;MaxConnectionsPerNode=9;"
                + "ExactlyOnce=false;AuthToken=\"se;cret\";UseTls=true",
            Timeout = TimeSpan.FromSeconds(1),
        };
        given.Endpoints.Add("overridden:1");

        KvCloudClientSettings settings = ConnectionStringParser.Apply(given);

        Assert.Equal(["a:1", "b:2"], settings.Endpoints);
        Assert.Equal(ReadConsistency.LOCAL, settings.Consistency);
        Assert.Equal(TimeSpan.FromMilliseconds(1500), settings.MaxStaleness);
        Assert.Equal(TimeSpan.FromMinutes(2), settings.Timeout);
        Assert.Equal(9, settings.MaxConnectionsPerNode);
        Assert.False(settings.ExactlyOnce);
        Assert.True(settings.UseTls);
        Assert.Equal("se;cret", settings.AuthToken);
        Assert.Equal(["overridden:1"], given.Endpoints);
    }

    [Fact]
    public void Apply_endpoints_alone_are_read() =>
        Assert.Equal(
            ["a:1", "b:2"],
            ConnectionStringParser.Apply(new KvCloudClientSettings { ConnectionString = " a:1, b:2 " }).Endpoints);

    [Theory]
    [InlineData("Endpoints=a:1;Colour=red", "Colour")]
    [InlineData("Endpoints=a:1;Consistency=strong", "strong")]
    [InlineData("Endpoints=a:1;Timeout=soon", "soon")]
    [InlineData("Endpoints=a:1;MaxConnectionsPerNode=-1", "-1")]
    [InlineData("Endpoints=a:1;ExactlyOnce=maybe", "maybe")]
    [InlineData("Endpoints=a:b", "a:b")]
    [InlineData("a:99999", "a:99999")]
    [InlineData("a b:1", "a b:1")]
    [InlineData("Consistency=local", "endpoint")]
    [InlineData("Endpoints=a:1;Timeout=0s", "Timeout")]
    [InlineData("Endpoints=a:1;MinConnectionsPerNode=5", "MinConnectionsPerNode")]
    [InlineData("Endpoints=a:1;MaxCallsPerConnection=100000", "MaxCallsPerConnection")]
    public void KvCloudClient_wrong_setting_is_refused_by_name(string connectionString, string named)
    {
        ArgumentException failure = Assert.Throws<ArgumentException>(() => new KvCloudClient(connectionString));
        Assert.Contains(named, failure.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("500ms", 500)]
    [InlineData("10s", 10_000)]
    [InlineData("1.5s", 1_500)]
    [InlineData("2m", 120_000)]
    [InlineData("3", 3_000)]
    [InlineData("00:00:07", 7_000)]
    public void Time_in_any_unit_is_read(string text, int milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), ConnectionStringParser.Time(text));

    [Theory]
    [InlineData("localhost:9091", "localhost", 9091, true)]
    [InlineData("localhost", "localhost", 9090, false)]
    [InlineData("[::1]:9092", "::1", 9092, true)]
    [InlineData("[::1]", "::1", 9090, false)]
    public void NodeEndpoint_of_every_form_is_read(string text, string host, int port, bool hasPort)
    {
        Assert.True(NodeEndpoint.TryParse(text, out NodeEndpoint endpoint, out bool found));
        Assert.Equal(new NodeEndpoint(host, port), endpoint);
        Assert.Equal(hasPort, found);
        Assert.True(NodeEndpoint.TryParse(endpoint.ToString(), out NodeEndpoint again, out _));
        Assert.Equal(endpoint, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData(":9090")]
    [InlineData("::1")]
    [InlineData("[::1")]
    [InlineData("[::1]x9090")]
    [InlineData("a:0")]
    [InlineData("a:-1")]
    [InlineData("a:")]
    public void NodeEndpoint_of_a_wrong_form_is_refused(string text) =>
        Assert.False(NodeEndpoint.TryParse(text, out _, out _));
}
