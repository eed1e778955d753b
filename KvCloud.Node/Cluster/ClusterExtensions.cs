using KvCloud.Node.Configuration;
using KvCloud.Node.History;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.ServiceDiscovery;

namespace KvCloud.Node.Cluster;

internal static class ClusterExtensions
{
    /// <summary>
    /// Registers the peer directory, the cluster manager and its background loop. <paramref name="feeds"/> is called
    /// once, when the manager is created, so driver and transport must be registered and have published a status by
    /// then.
    /// </summary>
    public static IServiceCollection AddClusterManager(
        this IServiceCollection services, Func<IServiceProvider, ClusterFeeds> feeds)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddMetrics();
        services.AddServiceDiscovery();
        services.AddSingleton<IPeerDirectory>(NewDirectory);
        services.AddSingleton(feeds);
        services.AddSingleton<ClusterMetrics>();
        services.TryAddSingleton<EventHistory>();
        services.AddSingleton<ClusterManager>();
        services.AddHostedService(provider => provider.GetRequiredService<ClusterManager>());
        return services;
    }

    private static IPeerDirectory NewDirectory(IServiceProvider provider)
    {
        NodeTopology topology = provider.GetRequiredService<NodeTopology>();
        return topology.Replicas.All(replica => HostPort.TryParse(replica.PeerEndpoint, out _))
            ? new LiteralPeerDirectory(topology)
            : new ServiceDiscoveryPeerDirectory(topology, provider.GetRequiredService<ServiceEndpointResolver>());
    }
}
