using System.Collections.Immutable;
using System.Globalization;

namespace KvCloud.LocalCluster;

/// <summary>
/// The application, declared once: how many replicas, on which ports, with their data where. Both orchestrators take
/// it from here, and hand every replica the same environment variables (<see cref="NodeEnvironment"/>).
/// </summary>
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

    /// <summary>Of the hosted program: Development allows what Production does not, such as fault injection.</summary>
    public string Environment { get; init; } = DefaultEnvironment;

    /// <summary>The address replicas listen on and are reached at when they run on this machine.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>The usual layout: consecutive ports from three bases.</summary>
    /// <exception cref="TopologyException">Says what is wrong, in one sentence.</exception>
    public static Topology Create(
        int replicas = DefaultReplicas,
        int thriftBase = DefaultBasePort,
        int? peerBase = null,
        int? httpBase = null,
        string? dataRoot = null)
    {
        if (!GroupSizes.Contains(replicas))
        {
            throw new TopologyException(
                $"--replicas {replicas}: the number of replicas must be one of {string.Join(", ", GroupSizes)}.");
        }

        int peers = peerBase ?? thriftBase + PortStep;
        int http = httpBase ?? peers + PortStep;
        return new Topology
        {
            Replicas =
            [
                .. Enumerable.Range(0, replicas).Select(i => new Replica(i, thriftBase + i, peers + i, http + i)),
            ],
            DataRoot = Path.GetFullPath(dataRoot ?? "data"),
        }.Validated();
    }

    /// <summary>Itself, when its ports are ports and no two are the same.</summary>
    /// <exception cref="TopologyException">Says what is wrong, in one sentence.</exception>
    public Topology Validated()
    {
        var owners = new Dictionary<int, string>();
        foreach ((int port, string owner) in Ports())
        {
            if (port is < 1 or > ushort.MaxValue)
            {
                throw new TopologyException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"Port {port} ({owner}) is not a port: it must lie between 1 and 65535."));
            }

            if (!owners.TryAdd(port, owner))
            {
                throw new TopologyException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"Port {port} is meant for both {owners[port]} and {owner}; choose bases that lie further apart."));
            }
        }

        return this;
    }

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
}
