using System.Globalization;

namespace KvCloud.Client.Topology;

/// <summary>A node's client endpoint, `host:port`.</summary>
internal readonly record struct NodeEndpoint(string Host, int Port)
{
    public const int DefaultPort = 9090;

    /// <summary>Parses `host:port`, `[ipv6]:port`, or either without a port.</summary>
    public static bool TryParse(string text, out NodeEndpoint endpoint, out bool hasPort)
    {
        endpoint = default;
        hasPort = false;
        text = text.Trim();
        string host;
        string portText;
        if (text.StartsWith('['))
        {
            int end = text.IndexOf(']', StringComparison.Ordinal);
            if (end < 0)
            {
                return false;
            }

            host = text[1..end];
            portText = text[(end + 1)..];
            if (portText.Length > 0 && portText[0] != ':')
            {
                return false;
            }

            portText = portText.TrimStart(':');
        }
        else
        {
            int colon = text.LastIndexOf(':');
            host = colon < 0 ? text : text[..colon];
            portText = colon < 0 ? "" : text[(colon + 1)..];
            hasPort = colon >= 0;
            if (host.Contains(':', StringComparison.Ordinal))
            {
                return false;
            }
        }

        int port = DefaultPort;
        hasPort |= portText.Length > 0;
        if (host.Length == 0 || host.Any(char.IsWhiteSpace)
            || (hasPort && !int.TryParse(portText, NumberStyles.None, CultureInfo.InvariantCulture, out port))
            || port is < 1 or > 65535)
        {
            return false;
        }

        endpoint = new NodeEndpoint(host, port);
        return true;
    }

    public override string ToString() =>
        Host.Contains(':', StringComparison.Ordinal)
            ? string.Create(CultureInfo.InvariantCulture, $"[{Host}]:{Port}")
            : string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");
}
