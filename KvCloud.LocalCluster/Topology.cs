using System.Collections.Immutable;
using System.Globalization;

namespace KvCloud.LocalCluster;

/// <summary>A cluster on this machine: how many replicas, on which ports, with their data where.</summary>
internal sealed record Topology
{
    public const int DefaultReplicas = 3;
    public const int DefaultBasePort = 9090;

    /// <summary>Distance from a base port for clients to that for peers, and from there to the one for HTTP.</summary>
    public const int PortStep = 100;

    public const string DefaultClusterId = "kvcloud";
    public const string DefaultEnvironment = "Development";

    /// <summary>
    /// Group sizes the consensus supports; an even group tolerates no more failures than the odd one below it.
    /// </summary>
    public static readonly ImmutableArray<int> GroupSizes = [1, 3, 5, 7];

    public required ImmutableArray<Replica> Replicas { get; init; }

    /// <summary>Absolute; replica i keeps its data in <c>node_i</c> under it.</summary>
    public required string DataRoot { get; init; }

    public string ClusterId { get; init; } = DefaultClusterId;

    /// <summary>
    /// Of the replica's program: Development allows what Production does not, such as fault injection.
    /// </summary>
    public string Environment { get; init; } = DefaultEnvironment;

    /// <summary>The address replicas listen on and are reached at.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>Where clients reach each replica.</summary>
    public IEnumerable<string> ClientEndpoints => Replicas.Select(replica => At(replica.ThriftPort));

    /// <summary>The usual layout: consecutive ports from three bases.</summary>
    /// <exception cref="LocalClusterException">Says what is wrong, in one sentence.</exception>
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
                    $"Port {port} ({owner}) is not a port: it must lie between 1 and 65535."));
            }
        }

        return topology;
    }

    /// <summary>On any ports that are free now.</summary>
    /// <exception cref="LocalClusterException">Says what is wrong, in one sentence.</exception>
    public static Topology OnFreePorts(int replicas, string dataRoot)
    {
        int[] ports = FreePorts.Find(3 * Math.Max(replicas, 1));
        return Create(replicas, dataRoot, i => new Replica(
            i, ports[i], ports[replicas + i], ports[(2 * replicas) + i]));
    }

    /// <summary>host:port of a port of this cluster.</summary>
    public string At(int port) => string.Create(CultureInfo.InvariantCulture, $"{Host}:{port}");

    /// <summary>Every port, with the words that name it in a message.</summary>
    public IEnumerable<(int Port, string Owner)> Ports()
    {
        foreach (Replica replica in Replicas)
        {
            yield return (replica.ThriftPort, $"thrift of {replica.Name}");
            yield return (replica.PeerPort, $"peer of {replica.Name}");
            yield return (replica.HttpPort, $"http of {replica.Name}");
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
                $"{replicas} is no number of replicas; it must be one of {string.Join(", ", GroupSizes)}."));
}
