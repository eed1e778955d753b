namespace KvCloud.Client.Topology;

/// <summary>
/// Where the first endpoints come from: literally from the settings, or by name from service discovery.
/// </summary>
internal interface IEndpointSource
{
    ValueTask<IReadOnlyList<NodeEndpoint>> GetAsync(CancellationToken cancellationToken);
}
