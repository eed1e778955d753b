using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.KvCloud;

/// <summary>
/// The environment variables that a replica is started with. Each name is a configuration key of the replica with
/// <c>__</c> in place of the colons; docs/configuration.md lists them all.
/// </summary>
internal static class ReplicaSettings
{
    public const string Mode = "KvCloud__Deployment__Mode";
    public const string InstanceId = "KvCloud__Deployment__InstanceId";
    public const string ClusterId = "KvCloud__Cluster__Id";
    public const string ListenAddress = "KvCloud__Listen__Address";
    public const string ThriftPort = "KvCloud__Listen__ThriftPort";
    public const string PeerPort = "KvCloud__Listen__PeerPort";
    public const string HttpPort = "KvCloud__Listen__HttpPort";
    public const string BasePath = "KvCloud__Database__BasePath";
    public const string Insecure = "KvCloud__Security__Insecure";
    public const string TlsCertificate = "KvCloud__Tls__Certificate";
    public const string TlsKey = "KvCloud__Tls__Key";
    public const string TlsAuthority = "KvCloud__Tls__Ca";
    public const string HostEnvironment = "ASPNETCORE_ENVIRONMENT";

    public const string Replicated = "replicated";

    /// <summary>Client endpoint of a replica, to which other replicas redirect clients.</summary>
    public static string ReplicaEndpoint(int index) => Indexed("KvCloud__Deployment__ReplicaEndpoints", index);

    /// <summary>Peer endpoint of a replica.</summary>
    public static string ConsensusEndpoint(int index) => Indexed("KvCloud__Consensus__Endpoints", index);

    /// <summary>
    /// The name by which Microsoft.Extensions.ServiceDiscovery resolves a replica's <c>peer</c> endpoint.
    /// </summary>
    public static string PeerService(string replicaName) => $"_{KvCloudReplica.PeerEndpointName}.{replicaName}";

    /// <summary>The variable of a setting, for example <c>Reads:ConsistencyLevel</c>.</summary>
    public static string Variable(string key) => $"KvCloud__{key.Replace(":", "__", StringComparison.Ordinal)}";

    public static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Indexed(string name, int index) => $"{name}__{Text(index)}";
}
