namespace KvCloud.Client.Topology;

/// <summary>
/// The source of the first endpoints: literal ones from the settings, or names resolved by service discovery.
/// </summary>
internal interface IEndpointSource
{
    ValueTask<IReadOnlyList<NodeEndpoint>> GetAsync(CancellationToken cancellationToken);
}
