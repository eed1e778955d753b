using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.KvCloud;

/// <summary>Endpoints, settings and dashboard entries of a replica's resource, independent of what runs it.</summary>
internal static class ReplicaBuilderExtensions
{
    private const string Tcp = "tcp";

    /// <summary>
    /// Fixed ports without a proxy: a client that is redirected to the leader must reach exactly that process, and
    /// connections to a dead replica must be refused rather than accepted by a proxy.
    /// </summary>
    public static IResourceBuilder<T> WithReplicaEndpoints<T>(this IResourceBuilder<T> node, ReplicaPorts ports)
        where T : IResourceWithEndpoints
    {
        bool isRun = node.ApplicationBuilder.ExecutionContext.IsRunMode;
        node.WithEndpoint(
                ports.Thrift, ports.Thrift, Tcp, KvCloudReplica.ClientEndpointName, isProxied: !isRun)
            .WithEndpoint(ports.Peer, ports.Peer, Tcp, KvCloudReplica.PeerEndpointName, isProxied: !isRun)
            .WithHttpEndpoint(ports.Http, ports.Http, KvCloudReplica.HttpEndpointName, isProxied: !isRun);
        return isRun
            ? node.WithReplicaUrls()
                .WithIconName(ClusterMonitor.FollowerIcon, IconVariant.Regular)
            : node;
    }

    public static IResourceBuilder<T> WithReplicaHealthCheck<T>(
        this IResourceBuilder<T> node, KvCloudResource cluster, KvCloudReplica replica)
        where T : IResource
    {
        if (node.ApplicationBuilder.ExecutionContext.IsPublishMode)
        {
            return node;
        }

        string check = $"{replica.Name}_check";
        node.ApplicationBuilder.Services.AddHealthChecks().AddCheck(check, new ReplicaHealthCheck(cluster, replica));
        return node.WithHealthCheck(check);
    }

    /// <summary>
    /// Passes a replica its identity, where it listens, and where every other replica is: peers by service discovery,
    /// client endpoints literally. Uses references only, not WaitFor: each replica needs a majority of the others to
    /// become ready, so waiting for one another would deadlock.
    /// </summary>
    public static IResourceBuilder<T> WithReplicaSettings<T>(
        this IResourceBuilder<T> node, KvCloudResource cluster, KvCloudReplica replica, ReplicaPorts ports)
        where T : IResourceWithEnvironment
    {
        IDistributedApplicationBuilder application = node.ApplicationBuilder;
        bool isRun = application.ExecutionContext.IsRunMode;
        return node.WithEnvironment(context =>
        {
            Dictionary<string, object> variables = context.EnvironmentVariables;
            variables[ReplicaSettings.Mode] = ReplicaSettings.Replicated;
            variables[ReplicaSettings.InstanceId] = ReplicaSettings.Text(replica.Index);
            variables[ReplicaSettings.ClusterId] = cluster.Name;
            variables[ReplicaSettings.ListenAddress] = isRun ? "localhost" : "*";
            variables[ReplicaSettings.ThriftPort] = ReplicaSettings.Text(ports.Thrift);
            variables[ReplicaSettings.PeerPort] = ReplicaSettings.Text(ports.Peer);
            variables[ReplicaSettings.HttpPort] = ReplicaSettings.Text(ports.Http);
            variables[ReplicaSettings.BasePath] =
                isRun ? cluster.Data.Root : ShippedPrograms.ContainerDataDirectory;
            variables[ReplicaSettings.HostEnvironment] =
                isRun ? application.Environment.EnvironmentName : Environments.Production;
            if (!isRun)
            {
                // Published replicas have no certificates yet, and listen on the private network of their environment.
                variables[ReplicaSettings.Insecure] = "true";
            }

            foreach (KvCloudReplica other in cluster.Replicas)
            {
                variables[ReplicaSettings.ConsensusEndpoint(other.Index)] = ReplicaSettings.PeerService(other.Name);
                variables[$"services__{other.Name}__{KvCloudReplica.PeerEndpointName}__0"] = other.PeerEndpoint;
                variables[ReplicaSettings.ReplicaEndpoint(other.Index)] =
                    other.ClientEndpoint.Property(EndpointProperty.HostAndPort);
            }

            if (cluster.Certificates is { } certificates)
            {
                variables[ReplicaSettings.TlsCertificate] = certificates.CertificateOf(replica.Index);
                variables[ReplicaSettings.TlsKey] = certificates.KeyOf(replica.Index);
                variables[ReplicaSettings.TlsAuthority] = certificates.Authority;
            }

            foreach ((string name, string value) in cluster.Settings)
            {
                variables[name] = value;
            }
        });
    }

    /// <summary>The dashboard lists the browsable URLs first and shows the peer endpoint only in the details.</summary>
    private static IResourceBuilder<T> WithReplicaUrls<T>(this IResourceBuilder<T> node)
        where T : IResourceWithEndpoints =>
        node.WithUrls(context =>
        {
            foreach (ResourceUrlAnnotation url in context.Urls)
            {
                switch (url.Endpoint?.EndpointName)
                {
                    case KvCloudReplica.ClientEndpointName:
                        url.DisplayText = $"Clients :{url.Endpoint.Port}";
                        break;
                    case KvCloudReplica.PeerEndpointName:
                        url.DisplayText = "Peers";
                        url.DisplayLocation = UrlDisplayLocation.DetailsOnly;
                        break;
                    case KvCloudReplica.HttpEndpointName:
                        url.Url = "/status";
                        url.DisplayText = "Status";
                        break;
                }
            }

            EndpointReference http = context.GetEndpoint(KvCloudReplica.HttpEndpointName)!;
            context.Urls.Add(new ResourceUrlAnnotation
            {
                Url = "/health",
                DisplayText = "Health",
                Endpoint = http,
            });
            context.Urls.Add(new ResourceUrlAnnotation
            {
                Url = "/metrics",
                DisplayText = "Metrics",
                Endpoint = http,
            });
        });
}
