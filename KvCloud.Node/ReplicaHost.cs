using KvCloud.Node.Cluster;
using KvCloud.Node.Replication;

namespace KvCloud.Node;

/// <summary>Starts the replica with the host and stops it after the clients' calls are drained.</summary>
internal sealed class ReplicaHost(Replica replica, ClusterManager cluster) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) =>
        replica.StartAsync(cluster.Received, cancellationToken);

    public async Task StopAsync(CancellationToken cancellationToken) =>
        await replica.DisposeAsync().ConfigureAwait(false);
}
