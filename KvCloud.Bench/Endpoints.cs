using System.Globalization;

namespace KvCloud.Bench;

/// <summary>Parses host:port strings.</summary>
internal static class Endpoints
{
    public static IReadOnlyList<string> Parse(string text)
    {
        string[] endpoints = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        foreach (string endpoint in endpoints)
        {
            _ = Split(endpoint);
        }

        return endpoints.Length == 0
            ? throw new BenchException("no endpoint is given; use host:port[,host:port…]")
            : endpoints;
    }

    public static (string Host, int Port) Split(string endpoint)
    {
        int colon = endpoint.LastIndexOf(':');
        if (colon <= 0
            || !int.TryParse(endpoint.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port)
            || port is < 1 or > 65535)
        {
            throw new BenchException($"'{endpoint}' is not host:port");
        }

        // Use the loopback address directly: resolving the name for every connection would cost more than connecting.
        string host = endpoint[..colon];
        return (host == "localhost" ? "127.0.0.1" : host, port);
    }
}
