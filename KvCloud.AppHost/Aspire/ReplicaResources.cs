using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace KvCloud.AppHost.Aspire;

/// <summary>What a replica's resource is, whether it is run here or published.</summary>
internal static class ReplicaResources
{
    public const string Thrift = "thrift";
    public const string Http = "http";

    /// <summary>
    /// A project resource for each replica, rather than one with WithReplicas: that would hide them all behind one
    /// proxy, and they are not the same, each has its number, its disk and its peers.
    /// </summary>
    public static List<IResourceBuilder<ProjectResource>> AddReplicas(
        this IDistributedApplicationBuilder builder, Topology topology) =>
    [
        .. topology.Replicas.Select(replica => builder
            .AddProject<Projects.KvCloud_Node>(replica.Name, options =>
            {
                // Else the endpoints of the profile and of Kestrel's configuration would be added to the three
                // declared here.
                options.ExcludeLaunchProfile = true;
                options.ExcludeKestrelEndpoints = true;
            })
            // The node binds what its own configuration says; ASPNETCORE_URLS and HTTP_PORTS would contradict it.
            .WithEndpointsInEnvironment(_ => false)
            // No proxy stands before a replica whose word on the caller's address it could take.
            .DisableForwardedHeaders()
            .WithVariables(NodeEnvironment.Common(topology, replica))),
    ];

    /// <summary>
    /// Tells every replica where every other one is: peers by service discovery (services__node-1__peer__0), clients'
    /// endpoints literally. References only, no WaitFor: each replica needs a majority of the others to become ready,
    /// waiting in a circle would be for ever.
    /// </summary>
    public static void Connect(this IReadOnlyList<IResourceBuilder<ProjectResource>> nodes)
    {
        foreach (IResourceBuilder<ProjectResource> node in nodes)
        {
            for (int other = 0; other < nodes.Count; other++)
            {
                EndpointReference clients = nodes[other].GetEndpoint(Thrift);
                node.WithReference(nodes[other].GetEndpoint(NodeEnvironment.PeerEndpoint));
                node.WithEnvironment(
                    NodeEnvironment.ReplicaEndpoint(other), clients.Property(EndpointProperty.HostAndPort));
            }
        }
    }

    public static IResourceBuilder<ProjectResource> WithVariables(
        this IResourceBuilder<ProjectResource> node, IEnumerable<KeyValuePair<string, string>> variables)
    {
        foreach ((string name, string value) in variables)
        {
            node.WithEnvironment(name, value);
        }

        return node;
    }
}
