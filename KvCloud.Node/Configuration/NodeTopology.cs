using System.Globalization;

namespace KvCloud.Node.Configuration;

/// <summary>The addresses of one replica.</summary>
/// <param name="ClientEndpoint">host:port for clients.</param>
/// <param name="PeerEndpoint">host:port for replicas, or a service name.</param>
/// <param name="DefaultPeerPort">The port to use if a service name resolves to a host without one.</param>
/// <param name="HttpEndpoint">The default HTTP endpoint; the replica itself may be configured otherwise.</param>
internal sealed record ReplicaEndpoints(
    int NodeId, string ClientEndpoint, string PeerEndpoint, int DefaultPeerPort, string HttpEndpoint);

/// <summary>
/// Derived from valid options: the members of the group, their addresses, and where this node listens and stores data.
/// </summary>
internal sealed record NodeTopology
{
    /// <summary>The Thrift port of node 0 if nothing is configured.</summary>
    public const int DefaultThriftPort = 9090;

    /// <summary>Offset of the peer port from the Thrift port if nothing else is configured.</summary>
    public const int PeerPortOffset = 100;

    /// <summary>Offset of the HTTP port from the Thrift port if nothing else is configured.</summary>
    public const int HttpPortOffset = 200;

    public required string ClusterId { get; init; }

    public required int SelfId { get; init; }

    /// <summary>Whether this node joins a group that began without it.</summary>
    public bool IsJoining { get; init; }

    /// <summary>The ids of this node's place in the group: a lost disk makes it go on under the next.</summary>
    public required ReplacementIds Ids { get; init; }

    /// <summary>The voters that the group begins with; empty for a node that joins.</summary>
    public IEnumerable<int> InitialVoters => IsJoining ? [] : Replicas.Select(replica => replica.NodeId);

    /// <summary>All replicas including this one, in ascending order of id.</summary>
    public required IReadOnlyList<ReplicaEndpoints> Replicas { get; init; }

    public ReplicaEndpoints Self => Replicas.First(replica => replica.NodeId == SelfId);

    /// <summary>An IP address, "localhost" or "*".</summary>
    public required string ListenAddress { get; init; }

    public required int ThriftPort { get; init; }

    public required int PeerPort { get; init; }

    public required int HttpPort { get; init; }

    /// <summary>
    /// host:port at which the others reach this replica: as configured, or, where that is a service name, the host that
    /// clients are told with the port that it listens on.
    /// </summary>
    public string PeerAddress => HostPort.TryParse(Self.PeerEndpoint, out _)
        ? Self.PeerEndpoint
        : (Parse(Self.ClientEndpoint) with { Port = PeerPort }).ToString();

    /// <summary>&lt;base_path&gt;/node_&lt;i&gt;, absolute.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Derives the topology; the options must have passed <see cref="NodeOptionsValidator"/>.</summary>
    public static NodeTopology From(NodeOptions options)
    {
        int self = options.Deployment.InstanceId;
        IReadOnlyList<ReplicaEndpoints> replicas = options.Deployment.Mode == DeploymentMode.Replicated
            ? [.. NumberedEndpoint.AllOf(options.Deployment.ReplicaEndpoints)
                .Select(entry => ReplicaOf(options, entry.NodeId))
                .OrderBy(replica => replica.NodeId)]
            : [ReplicaOf(options, self)];
        ReplicaEndpoints own = replicas.First(replica => replica.NodeId == self);
        HostPort client = Parse(own.ClientEndpoint);
        int thriftPort = options.Listen.ThriftPort ?? client.Port;
        return new NodeTopology
        {
            ClusterId = options.Cluster.Id,
            SelfId = self,
            Ids = new ReplacementIds(self, self, options.Deployment.ReplacementIds),
            IsJoining = options.Deployment is { Mode: DeploymentMode.Replicated, Join: true },
            Replicas = replicas,
            ListenAddress = options.Listen.Address ?? (client.IsLoopback ? "localhost" : "*"),
            ThriftPort = thriftPort,
            PeerPort = options.Listen.PeerPort
                ?? (HostPort.TryParse(own.PeerEndpoint, out HostPort? peer) ? peer.Port : thriftPort + PeerPortOffset),
            HttpPort = options.Listen.HttpPort ?? thriftPort + HttpPortOffset,
            DataDirectory = Path.GetFullPath(Path.Combine(
                options.Database.BasePath, string.Create(CultureInfo.InvariantCulture, $"node_{self}"))),
        };
    }

    /// <summary>
    /// As it is where the data directory belongs to one of the replacement ids: this node has that id, the endpoints
    /// and the directory of the configured one, and joins the group.
    /// </summary>
    public NodeTopology AsOwnerOfDirectory(int? owner) => owner is int id && Ids.Spare.Contains(id)
        ? this with
        {
            SelfId = id,
            Ids = Ids with { Own = id },
            IsJoining = true,
            Replicas =
            [
                .. Replicas.Select(replica => replica.NodeId == SelfId ? replica with { NodeId = id } : replica)
                    .OrderBy(replica => replica.NodeId),
            ],
        }
        : this;

    private static ReplicaEndpoints ReplicaOf(NodeOptions options, int id)
    {
        int ownPort = options.Listen.ThriftPort ?? DefaultThriftPort + id;
        HostPort client = Find(options.Deployment.ReplicaEndpoints, id) is string endpoint
            ? Parse(endpoint)
            : new HostPort("localhost", ownPort);
        HostPort peer = client with { Port = client.Port + PeerPortOffset };
        bool isSelf = id == options.Deployment.InstanceId;
        int httpPort = (isSelf ? options.Listen.HttpPort : null) ?? client.Port + HttpPortOffset;
        return new ReplicaEndpoints(
            id,
            client.ToString(),
            Find(options.Consensus.Endpoints, id) ?? peer.ToString(),
            peer.Port,
            (client with { Port = httpPort }).ToString());
    }

    private static string? Find(IReadOnlyList<string> entries, int id) => NumberedEndpoint.AllOf(entries)
        .Where(entry => entry.NodeId == id)
        .Select(entry => entry.Endpoint)
        .FirstOrDefault();

    private static HostPort Parse(string endpoint) =>
        HostPort.TryParse(endpoint, out HostPort? parsed)
            ? parsed
            : throw new ArgumentException($"\"{endpoint}\" is not host:port.", nameof(endpoint));
}
