using System.Globalization;

namespace KvCloud.LocalCluster;

/// <summary>
/// The environment variables that a replica is started with. Each name is a setting of KvCloud.Node with <c>__</c> in
/// place of the dots.
/// </summary>
internal static class NodeEnvironment
{
    public const string Mode = "KvCloud__Deployment__Mode";
    public const string InstanceId = "KvCloud__Deployment__InstanceId";
    public const string ListenAddress = "KvCloud__Listen__Address";
    public const string ThriftPort = "KvCloud__Listen__ThriftPort";
    public const string PeerPort = "KvCloud__Listen__PeerPort";
    public const string HttpPort = "KvCloud__Listen__HttpPort";
    public const string BasePath = "KvCloud__Database__BasePath";
    public const string ClusterId = "KvCloud__Cluster__Id";
    public const string TlsCertificate = "KvCloud__Tls__Certificate";
    public const string TlsKey = "KvCloud__Tls__Key";
    public const string TlsCa = "KvCloud__Tls__Ca";
    public const string AspNetCoreEnvironment = "ASPNETCORE_ENVIRONMENT";

    /// <summary>The replica's name in telemetry.</summary>
    public const string ServiceName = "OTEL_SERVICE_NAME";

    /// <summary>
    /// The replica drains and exits when the process with this id is gone, so that a supervisor killed with SIGKILL
    /// leaves no orphans.
    /// </summary>
    public const string ParentProcessId = "KVCLOUD_PARENT_PID";

    public const string Standalone = "standalone";
    public const string Replicated = "replicated";

    /// <summary>
    /// Client endpoint of replica <paramref name="index"/>, to which other replicas redirect clients.
    /// </summary>
    public static string ReplicaEndpoint(int index) => Indexed("KvCloud__Deployment__ReplicaEndpoints", index);

    /// <summary>Peer endpoint of replica <paramref name="index"/>.</summary>
    public static string ConsensusEndpoint(int index) => Indexed("KvCloud__Consensus__Endpoints", index);

    /// <summary>All variables that a replica running as a process on this machine needs.</summary>
    public static Dictionary<string, string> ForProcess(Topology topology, Replica replica)
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [Mode] = topology.Replicas.Length == 1 ? Standalone : Replicated,
            [InstanceId] = Text(replica.Index),
            [ClusterId] = topology.ClusterId,
            [ListenAddress] = topology.Host,
            [ThriftPort] = Text(replica.ThriftPort),
            [PeerPort] = Text(replica.PeerPort),
            [HttpPort] = Text(replica.HttpPort),
            [BasePath] = topology.DataRoot,
            [AspNetCoreEnvironment] = topology.Environment,
            [ServiceName] = replica.Name,
            [ParentProcessId] = Text(System.Environment.ProcessId),
        };
        if (topology.Tls is { } tls)
        {
            (variables[TlsCertificate], variables[TlsKey]) = tls.Node(replica.Index);
            variables[TlsCa] = tls.Ca;
        }

        foreach (Replica member in topology.Replicas)
        {
            variables[ReplicaEndpoint(member.Index)] = topology.At(member.ThriftPort);
            variables[ConsensusEndpoint(member.Index)] = topology.At(member.PeerPort);
        }

        return variables;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Indexed(string name, int index) => $"{name}__{Text(index)}";
}
