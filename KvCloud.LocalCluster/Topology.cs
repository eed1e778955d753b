using System.Collections.Immutable;
using System.Globalization;

namespace KvCloud.LocalCluster;

/// <summary>A cluster on this machine: its replicas, their ports, and where their data is.</summary>
internal sealed record Topology
{
    public const int DefaultReplicas = 3;
    public const int DefaultBasePort = 9090;

    /// <summary>Offset from a client port to the peer port, and from the peer port to the HTTP port.</summary>
    public const int PortStep = 100;

    /// <summary>Offset from the first client port to the console's.</summary>
    public const int ConsoleStep = 3 * PortStep;

    public const string DefaultClusterId = "kvcloud";
    public const string DefaultEnvironment = "Development";

    /// <summary>
    /// Group sizes that consensus supports; an even group tolerates no more failures than the next smaller odd one.
    /// </summary>
    public static readonly ImmutableArray<int> GroupSizes = [1, 3, 5, 7];

    public required ImmutableArray<Replica> Replicas { get; init; }

    /// <summary>Absolute path; replica i stores its data in <c>node_i</c> below it.</summary>
    public required string DataRoot { get; init; }

    public string ClusterId { get; init; } = DefaultClusterId;

    /// <summary>
    /// The environment name of the replica's program: Development allows what Production does not, such as fault
    /// injection.
    /// </summary>
    public string Environment { get; init; } = DefaultEnvironment;

    /// <summary>The address that replicas listen on and are reached at.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>Port of a console beside the replicas; null: there is none.</summary>
    public int? ConsolePort { get; init; }

    /// <summary>Where a browser finds the console; null: there is none.</summary>
    public Uri? ConsoleAddress => ConsolePort is { } port
        ? new UriBuilder(Uri.UriSchemeHttp, Host, port).Uri
        : null;

    /// <summary>The certificates by which replicas speak TLS; null: in clear text.</summary>
    public LocalTls? Tls { get; init; }

    /// <summary>Client endpoint of each replica.</summary>
    public IEnumerable<string> ClientEndpoints => Replicas.Select(replica => At(replica.ThriftPort));

    /// <summary>The usual layout: consecutive ports from three base ports.</summary>
    /// <exception cref="LocalClusterException">A parameter is invalid; the message is one sentence.</exception>
    public static Topology Create(
        int replicas = DefaultReplicas, int thriftBase = DefaultBasePort, string? dataRoot = null)
    {
        Topology topology = Create(replicas, dataRoot, i => new Replica(
            i, thriftBase + i, thriftBase + PortStep + i, thriftBase + (2 * PortStep) + i));
        foreach ((int port, string owner) in topology.Ports())
        {
            if (port is < 1 or > ushort.MaxValue)
            {
                throw new LocalClusterException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"Port {port} ({owner}) is not a port: it must be from 1 to 65535."));
            }
        }

        return topology;
    }

    /// <summary>A cluster on ports that are free at the moment.</summary>
    /// <exception cref="LocalClusterException">A parameter is invalid; the message is one sentence.</exception>
    public static Topology OnFreePorts(int replicas, string dataRoot)
    {
        int[] ports = FreePorts.Find(3 * Math.Max(replicas, 1));
        return Create(replicas, dataRoot, i => new Replica(
            i, ports[i], ports[replicas + i], ports[(2 * replicas) + i]));
    }

    /// <summary>host:port of a port of this cluster.</summary>
    public string At(int port) => string.Create(CultureInfo.InvariantCulture, $"{Host}:{port}");

    /// <summary>Where a page of a replica's HTTP port is.</summary>
    public Uri HttpAddress(Replica replica, string path) => new UriBuilder(
        Tls is null ? Uri.UriSchemeHttp : Uri.UriSchemeHttps, Host, replica.HttpPort, path).Uri;

    /// <summary>Every port, with a description for messages.</summary>
    public IEnumerable<(int Port, string Owner)> Ports()
    {
        foreach (Replica replica in Replicas)
        {
            yield return (replica.ThriftPort, $"thrift of {replica.Name}");
            yield return (replica.PeerPort, $"peer of {replica.Name}");
            yield return (replica.HttpPort, $"http of {replica.Name}");
        }

        if (ConsolePort is { } console)
        {
            yield return (console, "the console");
        }
    }

    private static Topology Create(int replicas, string? dataRoot, Func<int, Replica> replica) =>
        GroupSizes.Contains(replicas)
            ? new Topology
            {
                Replicas = [.. Enumerable.Range(0, replicas).Select(replica)],
                DataRoot = Path.GetFullPath(dataRoot ?? "data"),
            }
            : throw new LocalClusterException(string.Create(
                CultureInfo.InvariantCulture,
                $"{replicas} replicas are not supported; the number must be one of {string.Join(", ", GroupSizes)}."));
}
