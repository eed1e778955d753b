using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace KvCloud.Node.Configuration;

/// <summary>
/// A literal endpoint: a host name or address, and a port from 1 to 65535. IPv6 addresses are in brackets.
/// </summary>
internal sealed record HostPort(string Host, int Port)
{
    public const int MaxPort = 65535;

    /// <summary>Whether the host can only be this machine.</summary>
    public bool IsLoopback =>
        Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (System.Net.IPAddress.TryParse(Host.Trim('[', ']'), out System.Net.IPAddress? address)
            && System.Net.IPAddress.IsLoopback(address));

    /// <summary>
    /// Parses "host:port" or "[::1]:port"; a scheme in front ("tcp://") and a trailing slash are dropped.
    /// </summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out HostPort? endpoint)
    {
        endpoint = null;
        int scheme = text.IndexOf("://", StringComparison.Ordinal);
        string rest = (scheme < 0 ? text : text[(scheme + 3)..]).TrimEnd('/');
        int colon = rest.LastIndexOf(':');
        if (colon <= 0
            || !int.TryParse(rest[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int port)
            || port is < 1 or > MaxPort)
        {
            return false;
        }

        string host = rest[..colon];
        if (Uri.CheckHostName(host) == UriHostNameType.Unknown)
        {
            return false;
        }

        endpoint = new HostPort(host, port);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Host}:{Port.ToString(CultureInfo.InvariantCulture)}";
}
