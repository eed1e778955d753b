using Aspire.Hosting.KvCloud;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>
/// A KvCloud cluster: the parent of its replicas, and the resource that applications reference. It is running when at
/// least one replica is, and healthy while there is a leader that a majority follows.
/// </summary>
/// <param name="name">Name of the resource and of its connection string, and prefix of each replica's name.</param>
public sealed class KvCloudResource(string name)
    : Resource(name), IResourceWithConnectionString, IResourceWithWaitSupport
{
    private readonly List<KvCloudReplica> _replicas = [];
    private ReplicaHttp? _http;

    /// <summary>The replicas, ordered by index.</summary>
    public IReadOnlyList<KvCloudReplica> Replicas => _replicas;

    /// <summary>
    /// <c>Endpoints=host:port,host:port,...</c>: the form that KvCloud.Client reads. With TLS it ends with
    /// <c>;TlsCa=file</c>.
    /// </summary>
    public ReferenceExpression ConnectionStringExpression => Certificates is { } certificates
        ? ReferenceExpression.Create($"Endpoints={Endpoints};TlsCa={certificates.Authority}")
        : ReferenceExpression.Create($"Endpoints={Endpoints}");

    /// <summary>The replicas' client endpoints as <c>host:port</c>, separated by commas.</summary>
    private ReferenceExpression Endpoints
    {
        get
        {
            var builder = new ReferenceExpressionBuilder();
            foreach (KvCloudReplica replica in _replicas)
            {
                if (replica.Index > 0)
                {
                    builder.AppendLiteral(",");
                }

                builder.Append($"{replica.ClientEndpoint.Property(EndpointProperty.HostAndPort)}");
            }

            return builder.Build();
        }
    }

    /// <summary>
    /// For applications that do not use KvCloud.Client: <c>Endpoints</c>, and <c>Host</c> and <c>Port</c> of the first
    /// replica; with TLS also <c>TlsCa</c>, the file of the CAs to trust. Aspire passes each as the environment
    /// variable <c>NAME_PROPERTY</c>.
    /// </summary>
    IEnumerable<KeyValuePair<string, ReferenceExpression>> IResourceWithConnectionString.GetConnectionProperties()
    {
        EndpointReference first = _replicas[0].ClientEndpoint;
        yield return new("Endpoints", Endpoints);
        yield return new("Host", ReferenceExpression.Create($"{first.Property(EndpointProperty.Host)}"));
        if (Certificates is { } certificates)
        {
            yield return new("TlsCa", ReferenceExpression.Create($"{certificates.Authority}"));
        }

        yield return new("Port", ReferenceExpression.Create($"{first.Property(EndpointProperty.Port)}"));
    }

    internal ClusterData Data { get; } = new(name);

    /// <summary>With these the replicas speak TLS on all ports; null: on none.</summary>
    internal KvCloudCertificates? Certificates { get; set; }

    /// <summary>Its pages in a browser; null: it has none.</summary>
    internal IResourceWithEndpoints? Console { get; set; }

    internal ReplicaHttp Http => _http ??= new ReplicaHttp(this);

    /// <summary>Settings of all replicas, keyed by environment variable.</summary>
    internal Dictionary<string, string> Settings { get; } = new(StringComparer.Ordinal);

    /// <summary>The replicas' latest reports.</summary>
    internal ClusterStatus Status { get; set; } = ClusterStatus.Unknown;

    internal void Add(KvCloudReplica replica) => _replicas.Add(replica);
}
