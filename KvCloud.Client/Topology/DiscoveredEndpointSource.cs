using System.Net;
using KvCloud.Protocol;
using Microsoft.Extensions.ServiceDiscovery;

namespace KvCloud.Client.Topology;

/// <summary>
/// Resolves service names (`kvcloud`, `_thrift.node-0`, `tcp://kvcloud`) in addition to literal endpoints. The resolver
/// caches and watches for changes itself, so resolving again costs little.
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
            // The resolver understands its own name notation only after a scheme.
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
            ErrorCode.NETWORK, $"service '{name}' resolves to '{endpoint}', which is not host:port"),
    };

    private static int PortOrDefault(int port) => port > 0 ? port : NodeEndpoint.DefaultPort;
}
