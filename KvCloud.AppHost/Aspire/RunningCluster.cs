using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace KvCloud.AppHost.Aspire;

/// <summary>The cluster on this machine, under the dashboard.</summary>
internal static class RunningCluster
{
    public static void Declare(IDistributedApplicationBuilder builder, Topology topology)
    {
        List<IResourceBuilder<ProjectResource>> nodes = builder.AddReplicas(topology);
        foreach ((IResourceBuilder<ProjectResource> node, Replica replica) in nodes.Zip(topology.Replicas))
        {
            // Fixed ports without a proxy in front: a client that was told where the leader is must reach that very
            // process, and a dead replica must refuse connections rather than have them accepted on its behalf.
            node.WithEndpoint(
                    port: replica.ThriftPort, targetPort: replica.ThriftPort,
                    scheme: "tcp", name: ReplicaResources.Thrift, isProxied: false)
                .WithEndpoint(
                    port: replica.PeerPort, targetPort: replica.PeerPort,
                    scheme: "tcp", name: NodeEnvironment.PeerEndpoint, isProxied: false)
                .WithHttpEndpoint(
                    port: replica.HttpPort, targetPort: replica.HttpPort,
                    name: ReplicaResources.Http, isProxied: false)
                .WithHttpHealthCheck("/health", endpointName: ReplicaResources.Http)
                .WithVariables(
                [
                    new(NodeEnvironment.ListenAddress, topology.Host),
                    new(NodeEnvironment.ThriftPort, NodeEnvironment.Text(replica.ThriftPort)),
                    new(NodeEnvironment.PeerPort, NodeEnvironment.Text(replica.PeerPort)),
                    new(NodeEnvironment.HttpPort, NodeEnvironment.Text(replica.HttpPort)),
                    new(NodeEnvironment.BasePath, topology.DataRoot),
                    new(NodeEnvironment.AspNetCoreEnvironment, topology.Environment),
                ]);
        }

        nodes.Connect();
    }
}
