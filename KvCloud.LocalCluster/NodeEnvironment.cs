using System.Globalization;

namespace KvCloud.LocalCluster;

/// <summary>
/// The environment variables a replica is started with: the contract between the orchestrators and KvCloud.Node. Each
/// name is a configuration key of the node with <c>__</c> for its colons.
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
    public const string AspNetCoreEnvironment = "ASPNETCORE_ENVIRONMENT";

    /// <summary>The name of the replica in telemetry, as Aspire sets it.</summary>
    public const string ServiceName = "OTEL_SERVICE_NAME";

    /// <summary>
    /// The replica drains and ends when the process of this id is gone; a supervisor killed with SIGKILL leaves no
    /// orphans.
    /// </summary>
    public const string ParentProcessId = "KVCLOUD_PARENT_PID";

    public const string Replicated = "replicated";

    /// <summary>The name of the endpoint by which replicas find each other.</summary>
    public const string PeerEndpoint = "peer";

    /// <summary>
    /// Client endpoint of replica <paramref name="index"/>, told to clients that asked the wrong replica.
    /// </summary>
    public static string ReplicaEndpoint(int index) => Indexed("KvCloud__Deployment__ReplicaEndpoints", index);

    /// <summary>
    /// Where replica <paramref name="index"/> is to be found by its peers: a service name,
    /// see <see cref="PeerService"/>.
    /// </summary>
    public static string ConsensusEndpoint(int index) => Indexed("KvCloud__Consensus__Endpoints", index);

    /// <summary>
    /// The endpoint <c>peer</c> of the service <c>node-i</c>, in the notation of
    /// Microsoft.Extensions.ServiceDiscovery.
    /// </summary>
    public static string PeerService(int index) => $"_{PeerEndpoint}.{Replica.NameOf(index)}";

    /// <summary>
    /// The variable by which service discovery learns the address behind <see cref="PeerService"/>; Aspire sets the
    /// same.
    /// </summary>
    public static string PeerDiscovery(int index) => $"services__{Replica.NameOf(index)}__{PeerEndpoint}__0";

    /// <summary>What both orchestrators set alike, whatever the addresses are.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Common(Topology topology, Replica replica)
    {
        yield return new(Mode, Replicated);
        yield return new(InstanceId, Text(replica.Index));
        yield return new(ClusterId, topology.ClusterId);
        foreach (Replica other in topology.Replicas)
        {
            yield return new(ConsensusEndpoint(other.Index), PeerService(other.Index));
        }
    }

    /// <summary>All that a replica running as a plain process on this machine needs.</summary>
    public static Dictionary<string, string> ForProcess(Topology topology, Replica replica)
    {
        var variables = new Dictionary<string, string>(Common(topology, replica), StringComparer.Ordinal)
        {
            [ListenAddress] = topology.Host,
            [ThriftPort] = Text(replica.ThriftPort),
            [PeerPort] = Text(replica.PeerPort),
            [HttpPort] = Text(replica.HttpPort),
            [BasePath] = topology.DataRoot,
            [AspNetCoreEnvironment] = topology.Environment,
            [ServiceName] = replica.Name,
            [ParentProcessId] = Text(System.Environment.ProcessId),
        };
        foreach (Replica other in topology.Replicas)
        {
            variables[ReplicaEndpoint(other.Index)] = $"{topology.Host}:{Text(other.ThriftPort)}";
            variables[PeerDiscovery(other.Index)] = $"tcp://{topology.Host}:{Text(other.PeerPort)}";
        }

        return variables;
    }

    public static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Indexed(string name, int index) => $"{name}__{Text(index)}";
}
