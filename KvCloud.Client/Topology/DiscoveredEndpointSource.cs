using System.Net;
using KvCloud.Protocol;
using Microsoft.Extensions.ServiceDiscovery;

namespace KvCloud.Client.Topology;

/// <summary>
/// Service names (`kvcloud`, `_thrift.node-0`, `tcp://kvcloud`) beside literal endpoints. The resolver caches and
/// watches for changes by itself, so asking it anew costs little.
/// </summary>
internal sealed class DiscoveredEndpointSource(
    ServiceEndpointResolver resolver, IReadOnlyList<string> names, IReadOnlyList<NodeEndpoint> literal)
        : IEndpointSource
{
    public async ValueTask<IReadOnlyList<NodeEndpoint>> GetAsync(CancellationToken cancellationToken)
    {
        var found = new List<NodeEndpoint>(literal);
        foreach (string name in names)
        {
            // A name without a scheme is one in the resolver's own notation only with a scheme before it.
            string query = name.Contains("://", StringComparison.Ordinal) ? name : $"tcp://{name}";
            try
            {
                ServiceEndpointSource source =
                    await resolver.GetEndpointsAsync(query, cancellationToken).ConfigureAwait(false);
                found.AddRange(source.Endpoints.Select(endpoint => Convert(endpoint.EndPoint, name)));
            }
            catch (Exception exception) when (exception is not (OperationCanceledException or KvCloudException))
            {
                throw new KvCloudException(
                    ErrorCode.NETWORK, $"service '{name}' cannot be resolved: {exception.Message}", null, exception);
            }
        }

        return [.. found.Distinct()];
    }

    private static NodeEndpoint Convert(EndPoint endpoint, string name) => endpoint switch
    {
        DnsEndPoint dns => new NodeEndpoint(dns.Host, PortOrDefault(dns.Port)),
        IPEndPoint ip => new NodeEndpoint(ip.Address.ToString(), PortOrDefault(ip.Port)),
        _ => throw new KvCloudException(
            ErrorCode.NETWORK, $"service '{name}' resolves to '{endpoint}', which is no host and port"),
    };

    private static int PortOrDefault(int port) => port > 0 ? port : NodeEndpoint.DefaultPort;
}
