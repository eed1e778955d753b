using KvCloud.Node.Configuration;

namespace KvCloud.Node.Cluster;

/// <summary>
/// Endpoints as they stand in the configuration. The host name is left to the connect, which asks DNS anew.
/// </summary>
internal sealed class LiteralPeerDirectory(NodeTopology topology) : IPeerDirectory
{
    private readonly Dictionary<int, string> _endpoints =
        topology.Replicas.ToDictionary(replica => replica.NodeId, replica => replica.PeerEndpoint);

    public ValueTask<string> ResolveAsync(int nodeId, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return _endpoints.TryGetValue(nodeId, out string? endpoint)
            ? ValueTask.FromResult(endpoint)
            : throw new PeerUnresolvedException(
                $"node-{nodeId} is not among the {_endpoints.Count} replicas configured");
    }
}
