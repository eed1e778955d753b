using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace KvCloud.LocalCluster;

/// <summary>
/// Finds out before anything is started whether a port is taken: one sentence rather than three stack traces.
/// </summary>
internal static class PortCheck
{
    /// <exception cref="LocalClusterException">Names the ports that are taken and what they were meant for.</exception>
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

    /// <summary>The ports somebody listens on, each with what it is meant for.</summary>
    public static IReadOnlyList<string> Taken(Topology topology)
    {
        var address = IPAddress.Parse(topology.Host);
        return
        [
            .. topology.Ports().Where(p => !IsFree(address, p.Port))
                .Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Port} ({p.Owner})")),
        ];
    }

    /// <summary>Subject and verb for the ports that are taken.</summary>
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
