namespace Aspire.Hosting.ApplicationModel;

/// <summary>
/// One replica of a <see cref="KvCloudResource"/>: a resource of its own, with its endpoints and its data.
/// </summary>
public sealed class KvCloudReplica
{
    internal const string ClientEndpointName = "thrift";
    internal const string PeerEndpointName = "peer";
    internal const string HttpEndpointName = "http";

    internal KvCloudReplica(int index, IResourceWithEndpoints resource)
    {
        Index = index;
        Resource = resource;
        ClientEndpoint = new EndpointReference(resource, ClientEndpointName);
        PeerEndpoint = new EndpointReference(resource, PeerEndpointName);
        HttpEndpoint = new EndpointReference(resource, HttpEndpointName);
    }

    /// <summary>From 0 up; also the instance id that the replica is started with.</summary>
    public int Index { get; }

    /// <summary>The resource that runs: a project, an executable, or a container when published.</summary>
    public IResourceWithEndpoints Resource { get; }

    /// <summary>Where clients connect: the binary Thrift protocol over TCP.</summary>
    public EndpointReference ClientEndpoint { get; }

    /// <summary>Where the other replicas connect.</summary>
    public EndpointReference PeerEndpoint { get; }

    /// <summary>Health, metrics and status over HTTP.</summary>
    public EndpointReference HttpEndpoint { get; }

    internal string Name => Resource.Name;
}
