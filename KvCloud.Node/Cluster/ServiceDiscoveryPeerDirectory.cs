using System.Net;
using KvCloud.Node.Configuration;
using Microsoft.Extensions.ServiceDiscovery;

namespace KvCloud.Node.Cluster;

/// <summary>
/// Resolves endpoints that may be service names such as <c>_peer.node-1</c>. The resolver looks them up in the
/// configuration (Aspire's <c>services__node-1__peer__0</c>) and watches it for changes. Without such an entry the
/// service name itself is the host, as in container networks, at the default peer port. Literal endpoints and names can
/// be mixed.
/// </summary>
internal sealed class ServiceDiscoveryPeerDirectory(NodeTopology topology, ServiceEndpointResolver resolver)
    : IPeerDirectory
{
    /// <summary>
    /// Depending on its version, Aspire names the entry after the endpoint or after the scheme of its address.
    /// </summary>
    private const string SchemeEndpointName = "tcp";

    private readonly Dictionary<int, ReplicaEndpoints> _replicas =
        topology.Replicas.ToDictionary(replica => replica.NodeId);

    public async ValueTask<string> ResolveAsync(int nodeId, CancellationToken cancellationToken)
    {
        if (!_replicas.TryGetValue(nodeId, out ReplicaEndpoints? replica))
        {
            throw new PeerUnresolvedException($"node-{nodeId} is not among the {_replicas.Count} replicas configured");
        }

        string name = replica.PeerEndpoint;
        if (HostPort.TryParse(name, out HostPort? literal))
        {
            return literal.ToString();
        }

        string service = ServiceName.ServiceOf(name);
        string? byName = await FindAsync(name, cancellationToken).ConfigureAwait(false);
        if (HostPort.TryParse(byName ?? "", out HostPort? found))
        {
            return found.ToString();
        }

        string? byScheme = await FindAsync($"_{SchemeEndpointName}.{service}", cancellationToken).ConfigureAwait(false);
        if (HostPort.TryParse(byScheme ?? "", out found))
        {
            return found.ToString();
        }

        // Service discovery returned only a host: the name itself, passed through.
        string? host = byName ?? byScheme;
        return host is not null && HostPort.TryParse($"{host}:{replica.DefaultPeerPort}", out found)
            ? found.ToString()
            : throw new PeerUnresolvedException(
                $"service discovery knows no endpoint for {name} (node-{nodeId}): "
                + $"neither services__{service}__peer__0 nor services__{service}__tcp__0 nor a host of that name");
    }

    /// <summary>host:port, a host without a port, or null.</summary>
    private async ValueTask<string?> FindAsync(string serviceName, CancellationToken cancellationToken)
    {
        try
        {
            ServiceEndpointSource source =
                await resolver.GetEndpointsAsync(serviceName, cancellationToken).ConfigureAwait(false);
            return source.Endpoints.Count == 0 ? null : Text(source.Endpoints[0].EndPoint);
        }
        catch (Exception exception) when (exception is KeyNotFoundException or InvalidOperationException)
        {
            throw new PeerUnresolvedException(
                $"service discovery failed for {serviceName}: {exception.Message}", exception);
        }
    }

    private static string Text(EndPoint endpoint) => endpoint switch
    {
        DnsEndPoint { Port: 0 } dns => dns.Host,
        DnsEndPoint dns => $"{dns.Host}:{dns.Port}",

        // An address with a port, or a URI; HostPort drops the scheme.
        _ => endpoint.ToString()!,
    };
}
