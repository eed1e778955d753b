using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace KvCloud.LocalCluster;

/// <summary>
/// Checks for occupied ports before anything is started, so that the user gets one sentence instead of three stack
/// traces.
/// </summary>
internal static class PortCheck
{
    /// <exception cref="LocalClusterException">Names the occupied ports and their intended use.</exception>
    public static void Demand(Topology topology)
    {
        IReadOnlyList<string> taken = Taken(topology);
        if (taken.Count > 0)
        {
            throw new LocalClusterException(
                $"{Sentence(taken)} already in use on {topology.Host}; stop what listens there, or choose other"
                + " ports.");
        }
    }

    /// <summary>The occupied ports, each with its intended use.</summary>
    public static IReadOnlyList<string> Taken(Topology topology)
    {
        var address = IPAddress.Parse(topology.Host);
        return
        [
            .. topology.Ports().Where(p => !IsFree(address, p.Port))
                .Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Port} ({p.Owner})")),
        ];
    }

    /// <summary>Subject and verb of a sentence about the occupied ports.</summary>
    public static string Sentence(IReadOnlyList<string> taken) =>
        taken.Count == 1 ? $"Port {taken[0]} is" : $"Ports {string.Join(", ", taken)} are";

    private static bool IsFree(IPAddress address, int port)
    {
        try
        {
            using var listener = new TcpListener(address, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
