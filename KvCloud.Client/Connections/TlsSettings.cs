using System.Net.Security;
using System.Security.Authentication;

namespace KvCloud.Client.Connections;

/// <summary>How to speak TLS, as the settings have it.</summary>
/// <param name="Ca">PEM file of the CAs that are trusted; null: those of this machine.</param>
/// <param name="Certificate">PEM file of the client's own certificate; null: it shows none.</param>
/// <param name="Key">PEM file of its key.</param>
/// <param name="ServerName">The name that every node's certificate must have; null: the host that is called.</param>
internal sealed record TlsSettings(string? Ca, string? Certificate, string? Key, string? ServerName)
{
    public SslProtocols Protocols { get; init; } = SslProtocols.Tls13;

    /// <summary>Options of code; what they leave open comes from the other settings.</summary>
    public SslClientAuthenticationOptions? Custom { get; init; }
}
