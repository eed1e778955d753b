using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace KvCloud.LocalCluster;

/// <summary>
/// Finds out before anything is started whether a port is taken: one sentence rather than three stack traces.
/// </summary>
internal static class PortCheck
{
    /// <exception cref="TopologyException">Names the ports that are taken and what they were meant for.</exception>
    public static void Demand(Topology topology)
    {
        IPAddress address = IPAddress.Parse(topology.Host);
        List<string> taken = [.. topology.Ports().Where(p => !IsFree(address, p.Port))
            .Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Port} ({p.Owner})"))];
        if (taken.Count > 0)
        {
            string ports = taken.Count == 1 ? $"Port {taken[0]} is" : $"Ports {string.Join(", ", taken)} are";
            throw new TopologyException(
                $"{ports} already in use on {topology.Host}; stop what listens there, or choose other ports with "
                + "--base-port.");
        }
    }

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
