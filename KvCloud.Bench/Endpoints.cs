using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace KvCloud.Bench;

/// <summary>host:port texts.</summary>
internal static class Endpoints
{
    public static IReadOnlyList<string> Parse(string text)
    {
        var endpoints = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        foreach (var endpoint in endpoints)
        {
            _ = Split(endpoint);
        }

        return endpoints.Length == 0 ? throw new BenchException("no endpoint is named; give host:port[,host:port…]") : endpoints;
    }

    public static (string Host, int Port) Split(string endpoint)
    {
        var colon = endpoint.LastIndexOf(':');
        if (colon <= 0
            || !int.TryParse(endpoint.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port is < 1 or > 65535)
        {
            throw new BenchException($"'{endpoint}' is no host:port");
        }

        // Loopback by number: asking the resolver for every connection would cost more than connecting.
        var host = endpoint[..colon];
        return (host == "localhost" ? "127.0.0.1" : host, port);
    }

    /// <summary>Ports of this machine that nobody listens on; all held at once, so that they differ.</summary>
    public static int[] FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        try
        {
            foreach (var listener in listeners)
            {
                listener.Start();
            }

            return [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        }
        finally
        {
            foreach (var listener in listeners)
            {
                listener.Dispose();
            }
        }
    }
}
