using KvCloud.Node.Tls;

namespace KvCloud.Node.Configuration;

internal enum HttpTls
{
    Off = 0,
    Required = 1,
}

internal sealed record TlsSettings
{
    [About("PEM file of this node's certificate, and behind it those between it and the CA. In a group it has the URI "
        + "kvcloud://CLUSTER/nodes/ID among its subject alternative names. Not set: no TLS. All three files are read "
        + "again when they change, without a restart.")]
    public string? Certificate { get; init; }

    [About("PEM file of the certificate's private key, without a password.")]
    public string? Key { get; init; }

    [About("PEM file of the CAs that are trusted, one or several: to replace a CA, a bundle of both serves while "
        + "certificates change. Peers and clients are held to it.")]
    public string? Ca { get; init; }

    [About("The oldest version of TLS that is spoken.")]
    [OneOf("1.2", "1.3")]
    public string MinVersion { get; init; } = "1.3";

    [About("Clients' port. optional takes clear text too, told apart by the first byte, for the time in which clients "
        + "change. Default: required if there is a certificate, otherwise off.")]
    public TlsMode? Clients { get; init; }

    [About("Peers' port, where both sides show a certificate that names them. optional takes clear text too, and calls "
        + "with TLS first: a running group changes from off by way of optional to required, one replica after the "
        + "other. Default: required if there is a certificate, otherwise off.")]
    public TlsMode? Peers { get; init; }

    [About("HTTP port. Default: required if there is a certificate, otherwise off.")]
    public HttpTls? Http { get; init; }

    [About("How often the files are read again. What has changed is used once it was the same twice.")]
    [Between(100, 86_400_000)]
    public int ReloadIntervalMs { get; init; } = 10_000;

    [About("A TLS handshake on the clients' or the HTTP port that takes longer is given up.")]
    [Between(100, 600_000)]
    public int HandshakeTimeoutMs { get; init; } = 10_000;

    [About("TLS handshakes at the same time on the clients' port, and as many on the HTTP port; beyond that the "
        + "oldest is given up.")]
    [Between(1, 100_000)]
    public int MaxHandshakes { get; init; } = 512;
}
