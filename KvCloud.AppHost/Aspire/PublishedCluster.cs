using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace KvCloud.AppHost.Aspire;

/// <summary>The cluster as files for somewhere else: each replica a container with a volume of its own.</summary>
internal static class PublishedCluster
{
    /// <summary>Of the user that .NET's images run as.</summary>
    public const string HomeDirectory = "/home/app";
    public const string DataDirectory = $"{HomeDirectory}/data";

    // Inside its container every replica listens on the same ports.
    public const int ThriftPort = Topology.DefaultBasePort;
    public const int PeerPort = ThriftPort + Topology.PortStep;
    public const int HttpPort = PeerPort + Topology.PortStep;

    public static void Declare(IDistributedApplicationBuilder builder, AppHostArguments arguments)
    {
        Topology topology = arguments.Topology;
        Action<IResourceBuilder<ProjectResource>, Replica> fit = DeclareTarget(builder, arguments.Target);
        List<IResourceBuilder<ProjectResource>> nodes = builder.AddReplicas(topology);
        foreach ((IResourceBuilder<ProjectResource> node, Replica replica) in nodes.Zip(topology.Replicas))
        {
            node.WithEndpoint(
                    port: ThriftPort, targetPort: ThriftPort,
                    scheme: "tcp", name: ReplicaResources.Thrift, isExternal: true)
                .WithEndpoint(
                    port: PeerPort, targetPort: PeerPort,
                    scheme: "tcp", name: NodeEnvironment.PeerEndpoint)
                .WithHttpEndpoint(port: HttpPort, targetPort: HttpPort, name: ReplicaResources.Http)
                .WithVariables(
                [
                    new(NodeEnvironment.ListenAddress, "0.0.0.0"),
                    new(NodeEnvironment.ThriftPort, NodeEnvironment.Text(ThriftPort)),
                    new(NodeEnvironment.PeerPort, NodeEnvironment.Text(PeerPort)),
                    new(NodeEnvironment.HttpPort, NodeEnvironment.Text(HttpPort)),
                    new(NodeEnvironment.BasePath, DataDirectory),
                    new(NodeEnvironment.AspNetCoreEnvironment, "Production"),
                ]);
            fit(node, replica);
        }

        nodes.Connect();
    }

    /// <summary>
    /// One target at a time: with two compute environments in the model Aspire wants to be told for each resource
    /// which of them it is for.
    /// </summary>
    private static Action<IResourceBuilder<ProjectResource>, Replica> DeclareTarget(
        IDistributedApplicationBuilder builder, PublishTarget target)
    {
        switch (target)
        {
            case PublishTarget.DockerCompose:
                ComposeTarget.Declare(builder);
                return ComposeTarget.Fit;
#if ASPIRE_KUBERNETES
            case PublishTarget.Kubernetes:
                return KubernetesTarget.Declare(builder).Fit;
#endif
            default:
                throw new TopologyException($"--target {target}: this AppHost was built without the publisher for it.");
        }
    }
}
