using System.Security.Authentication;
using KvCloud.Node.Tls;

namespace KvCloud.Node.Configuration;

/// <summary>What the settings of [tls] mean together, and what a node may do without them.</summary>
internal static class TlsRules
{
    /// <summary>Fills in the defaults, which depend on whether there is a certificate.</summary>
    public static TlsSettings WithDefaults(TlsSettings tls)
    {
        bool hasCertificate = Absent(tls.Certificate) is not null;
        TlsMode usual = hasCertificate ? TlsMode.Required : TlsMode.Off;
        return tls with
        {
            Certificate = Absent(tls.Certificate),
            Key = Absent(tls.Key),
            Ca = Absent(tls.Ca),
            Clients = tls.Clients ?? usual,
            Peers = tls.Peers ?? usual,
            Http = tls.Http ?? (hasCertificate ? HttpTls.Required : HttpTls.Off),
        };
    }

    /// <summary>Null where nothing speaks TLS.</summary>
    public static TlsOptions? ToTlsOptions(this NodeOptions options, NodeTopology topology)
    {
        TlsSettings tls = options.Tls;
        if (tls.Certificate is null || tls.Key is null
            || (tls.Clients == TlsMode.Off && tls.Peers == TlsMode.Off && tls.Http == HttpTls.Off))
        {
            return null;
        }

        return new TlsOptions(
            new NodeName(topology.ClusterId, topology.SelfId), new TlsFiles(tls.Certificate, tls.Key, tls.Ca))
        {
            Clients = tls.Clients ?? TlsMode.Off,
            Peers = tls.Peers ?? TlsMode.Off,
            Http = tls.Http == HttpTls.Required,
            HasPeers = HasPeers(options),
            ReplacementIds = topology.Ids.Spare,
            Protocols = tls.MinVersion == "1.2" ? SslProtocols.Tls12 | SslProtocols.Tls13 : SslProtocols.Tls13,
            ReloadInterval = TimeSpan.FromMilliseconds(tls.ReloadIntervalMs),
            HandshakeTimeout = TimeSpan.FromMilliseconds(tls.HandshakeTimeoutMs),
            MaxHandshakes = tls.MaxHandshakes,
        };
    }

    /// <summary>What does not fit together; the key, what is wrong with it, and what is allowed.</summary>
    public static IEnumerable<(string Path, string What, string Allowed)> Mistakes(NodeOptions options)
    {
        TlsSettings tls = options.Tls;
        (string Path, bool IsOn)[] ports =
        [
            ("tls.clients", tls.Clients is not (null or TlsMode.Off)),
            ("tls.peers", tls.Peers is not (null or TlsMode.Off)),
            ("tls.http", tls.Http is HttpTls.Required),
        ];
        foreach ((string path, bool isOn) in ports)
        {
            if (isOn && tls.Certificate is null)
            {
                yield return (path, "asks for TLS", "it needs tls.certificate and tls.key");
            }
        }

        if (tls.Certificate is null != tls.Key is null)
        {
            yield return tls.Key is null
                ? ("tls.key", "is not set", "tls.certificate is, and needs its key")
                : ("tls.certificate", "is not set", "tls.key is, and is of no use without it");
        }

        if (tls.Certificate is not null && tls.Ca is null && HasPeers(options)
            && tls.Peers is not (null or TlsMode.Off))
        {
            yield return ("tls.ca", "is not set", "tls.peers needs it to tell peers from others");
        }
    }

    /// <summary>
    /// What this node would offer in clear text to whoever reaches it; null if nothing: the ports, as they are written
    /// in the settings.
    /// </summary>
    public static string? OpenPorts(NodeOptions options, NodeTopology topology)
    {
        if (IsLoopback(topology.ListenAddress))
        {
            return null;
        }

        string[] open =
        [
            .. options.Tls.Clients == TlsMode.Required ? Array.Empty<string>() : ["tls.clients"],
            .. !HasPeers(options) || options.Tls.Peers == TlsMode.Required ? Array.Empty<string>() : ["tls.peers"],
            .. options.Tls.Http == HttpTls.Required ? Array.Empty<string>() : ["tls.http"],
        ];
        return open.Length == 0 ? null : string.Join(", ", open);
    }

    /// <summary>Why a node outside Development is not started; null if it may be.</summary>
    public static string? WhyNotOpen(NodeOptions options, NodeTopology topology) =>
        !options.Security.Insecure && OpenPorts(options, topology) is string open
            ? $"This node would listen on {topology.ListenAddress} without TLS ({open}), and whoever reaches it could"
                + " read, change and delete all data. Set tls.certificate, tls.key and tls.ca (kv cert makes them), or"
                + " listen.address = \"localhost\", or, in a network that you trust, security.insecure = true. The"
                + " Development environment does without."
            : null;

    private static bool HasPeers(NodeOptions options) => options.Deployment.Mode == DeploymentMode.Replicated;

    private static bool IsLoopback(string address) =>
        address == "localhost" || (System.Net.IPAddress.TryParse(address, out System.Net.IPAddress? parsed)
            && System.Net.IPAddress.IsLoopback(parsed));

    private static string? Absent(string? path) => string.IsNullOrWhiteSpace(path) ? null : path;
}
