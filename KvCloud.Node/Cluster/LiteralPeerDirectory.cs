using KvCloud.Node.Configuration;

namespace KvCloud.Node.Cluster;

/// <summary>Returns endpoints as configured. The connect resolves the host name, so DNS is queried each time.</summary>
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
