using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace KvCloud.AppHost.Aspire;

/// <summary>Publishes a docker-compose.yaml.</summary>
internal static class ComposeTarget
{
    /// <summary>Longer than a replica takes to drain; Compose's own ten seconds may not be.</summary>
    private const string StopGracePeriod = "30s";

    public static void Declare(IDistributedApplicationBuilder builder) =>
        builder.AddDockerComposeEnvironment("compose");

    public static void Fit(IResourceBuilder<ProjectResource> node, Replica replica) => node
        // Outside its container each replica has a port of its own, the one it would have without containers.
        .WithEndpoint(ReplicaResources.Thrift, endpoint => endpoint.Port = replica.ThriftPort, createIfNotExists: false)
        // A new volume takes its owner from the directory it is mounted on: the home of the user that .NET's images
        // run as. On a directory that the image does not have it would belong to root, and the replica could not
        // write to it.
        .WithAnnotation(new ContainerMountAnnotation(
            $"{replica.Name}-data", PublishedCluster.HomeDirectory, ContainerMountType.Volume, isReadOnly: false))
        .PublishAsDockerComposeService((_, service) =>
        {
            service.Restart = "unless-stopped";
            service.StopGracePeriod = StopGracePeriod;
        });
}
