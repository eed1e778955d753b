namespace KvCloud.Client.Topology;

/// <summary>The endpoints exactly as configured.</summary>
internal sealed class LiteralEndpointSource(IReadOnlyList<NodeEndpoint> endpoints) : IEndpointSource
{
    public ValueTask<IReadOnlyList<NodeEndpoint>> GetAsync(CancellationToken cancellationToken) => new(endpoints);
}
