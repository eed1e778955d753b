using System.Security.Authentication;
using KvCloud.Client.Connections;
using KvCloud.Client.Topology;
using KvCloud.Protocol;
using Microsoft.Extensions.ServiceDiscovery;

namespace KvCloud.Client.Calls;

/// <summary>
/// The settings in the form the client's parts need, validated. An invalid setting is refused by name.
/// </summary>
internal sealed record FrozenSettings(
    ClientOptions Options,
    ConnectorOptions Connector,
    PoolOptions Pool,
    TimeSpan ConnectTimeout,
    ClientTls? Tls,
    Credentials? Credentials,
    IEndpointSource Seeds)
{
    private const int MostCallsPerConnection = 32_768;

    public static FrozenSettings From(KvCloudClientSettings given, ServiceEndpointResolver? serviceDiscovery)
    {
        KvCloudClientSettings settings = ConnectionStringParser.Apply(given);
        return new FrozenSettings(
            new ClientOptions
            {
                Consistency = Enum.IsDefined(settings.Consistency)
                    ? settings.Consistency
                    : throw Wrong(nameof(settings.Consistency), "is local, leader or read_index", settings.Consistency),
                MaxStalenessMs = settings.MaxStaleness is { } staleness
                    ? Ms(staleness, nameof(settings.MaxStaleness))
                    : null,
                TimeoutMs = Ms(settings.Timeout, nameof(settings.Timeout)),
                AttemptTimeoutMs = Ms(settings.AttemptTimeout, nameof(settings.AttemptTimeout)),
                KeepAliveIntervalMs = Ms(settings.KeepAliveInterval, nameof(settings.KeepAliveInterval)),
                RefreshIntervalMs = Ms(settings.RefreshInterval, nameof(settings.RefreshInterval)),
                ExactlyOnce = settings.ExactlyOnce,
                AuthToken = settings.AuthToken,
                Time = settings.Time,
            },
            new ConnectorOptions(
                Count(settings.MaxCallsPerConnection, nameof(settings.MaxCallsPerConnection), MostCallsPerConnection),
                Count(settings.MaxUnsentBytesPerConnection, nameof(settings.MaxUnsentBytesPerConnection)),
                Count(settings.MaxRequestBytes, nameof(settings.MaxRequestBytes)),
                Count(settings.MaxResponseBytes, nameof(settings.MaxResponseBytes)),
                Ms(settings.KeepAliveTimeout, nameof(settings.KeepAliveTimeout)),
                settings.Time),
            PoolOf(settings),
            TimeSpan.FromMilliseconds(Ms(settings.ConnectTimeout, nameof(settings.ConnectTimeout))),
            TlsOf(settings),
            Credentials.Of(settings),
            SeedsOf(settings.Endpoints, serviceDiscovery));
    }

    /// <summary>Whoever says how to speak TLS means to.</summary>
    private static ClientTls? TlsOf(KvCloudClientSettings settings)
    {
        bool isOn = settings.UseTls || settings.TlsOptions is not null || settings.TlsServerName is not null
            || settings.TlsCa is not null || settings.TlsCertificate is not null || settings.TlsKey is not null;
        if (!isOn)
        {
            return null;
        }

        return new ClientTls(new TlsSettings(
            settings.TlsCa, settings.TlsCertificate, settings.TlsKey, settings.TlsServerName)
        {
            Protocols = settings.TlsMinVersion switch
            {
                "1.2" => SslProtocols.Tls12 | SslProtocols.Tls13,
                "1.3" => SslProtocols.Tls13,
                _ => throw Wrong(nameof(settings.TlsMinVersion), "is 1.2 or 1.3", $"'{settings.TlsMinVersion}'"),
            },
            Custom = settings.TlsOptions,
        });
    }

    private static PoolOptions PoolOf(KvCloudClientSettings settings)
    {
        var pool = new PoolOptions(
            Count(settings.MinConnectionsPerNode, nameof(settings.MinConnectionsPerNode)),
            Count(settings.MaxConnectionsPerNode, nameof(settings.MaxConnectionsPerNode)),
            Count(settings.CallsBeforeAnotherConnection, nameof(settings.CallsBeforeAnotherConnection)));
        return pool.MinConnections <= pool.MaxConnections
            ? pool
            : throw Wrong(
                nameof(settings.MinConnectionsPerNode),
                $"must not be larger than {nameof(settings.MaxConnectionsPerNode)} ({pool.MaxConnections})",
                pool.MinConnections);
    }

    private static IEndpointSource SeedsOf(IEnumerable<string> endpoints, ServiceEndpointResolver? serviceDiscovery)
    {
        var literal = new List<NodeEndpoint>();
        var names = new List<string>();
        foreach (string text in endpoints)
        {
            bool isUri = text.Contains("://", StringComparison.Ordinal);
            bool isEndpoint = NodeEndpoint.TryParse(text, out NodeEndpoint endpoint, out bool hasPort);
            if (serviceDiscovery is not null && (isUri || (isEndpoint && !hasPort)))
            {
                names.Add(text.Trim());
            }
            else if (isEndpoint)
            {
                literal.Add(endpoint);
            }
            else
            {
                throw Wrong(nameof(KvCloudClientSettings.Endpoints), "are host:port with commas between", $"'{text}'");
            }
        }

        if (literal.Count + names.Count == 0)
        {
            throw new ArgumentException(
                "No endpoint of the cluster is given: set Endpoints or a connection string, host:port with commas"
                + " between.");
        }

        return names.Count > 0
            ? new DiscoveredEndpointSource(serviceDiscovery!, names, literal)
            : new LiteralEndpointSource(literal);
    }

    private static int Ms(TimeSpan time, string name) =>
        time.TotalMilliseconds is >= 1 and <= int.MaxValue / 2
            ? (int)time.TotalMilliseconds
            : throw Wrong(name, "must be between one millisecond and 12 days", time);

    private static int Count(int count, string name, int most = int.MaxValue) =>
        count >= 1 && count <= most ? count : throw Wrong(name, $"must be between 1 and {most}", count);

    private static ArgumentException Wrong(string name, string wanted, object given) =>
        new($"Setting {name} {wanted}, not {given}.");
}
