using System.Net;
using KvCloud.Node.Configuration;

namespace KvCloud.Node.Cluster;

internal static class PeerDirectoryExtensions
{
    /// <summary>As a transport asks for it: an address, or a host name that is looked up at each connect.</summary>
    public static async ValueTask<EndPoint> ResolveEndPointAsync(
        this IPeerDirectory directory, int nodeId, CancellationToken cancellationToken)
    {
        string text = await directory.ResolveAsync(nodeId, cancellationToken).ConfigureAwait(false);
        if (!HostPort.TryParse(text, out HostPort? endpoint))
        {
            throw new PeerUnresolvedException($"\"{text}\", where node-{nodeId} is said to be, is no host:port");
        }

        return IPAddress.TryParse(endpoint.Host, out IPAddress? address)
            ? new IPEndPoint(address, endpoint.Port)
            : new DnsEndPoint(endpoint.Host, endpoint.Port);
    }
}
