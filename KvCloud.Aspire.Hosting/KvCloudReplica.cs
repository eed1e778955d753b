namespace Aspire.Hosting.ApplicationModel;

/// <summary>
/// One replica of a <see cref="KvCloudResource"/>: a separate resource with its own endpoints and data.
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

    /// <summary>Index from 0; also the instance id that the replica is started with.</summary>
    public int Index { get; }

    /// <summary>The resource that runs the replica: a project, an executable, or a container when published.</summary>
    public IResourceWithEndpoints Resource { get; }

    /// <summary>The endpoint for clients: the binary Thrift protocol over TCP.</summary>
    public EndpointReference ClientEndpoint { get; }

    /// <summary>The endpoint for the other replicas.</summary>
    public EndpointReference PeerEndpoint { get; }

    /// <summary>The HTTP endpoint for health, metrics and status.</summary>
    public EndpointReference HttpEndpoint { get; }

    internal string Name => Resource.Name;
}
