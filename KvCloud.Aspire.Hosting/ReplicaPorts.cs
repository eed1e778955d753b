using System.Net;
using System.Net.Sockets;

namespace Aspire.Hosting.KvCloud;

/// <summary>The ports of one replica.</summary>
internal readonly record struct ReplicaPorts(int Thrift, int Peer, int Http)
{
    public const int DefaultThrift = 9090;

    /// <summary>
    /// Offset from the first client port to the first peer port, and from there to the first HTTP port.
    /// </summary>
    private const int Step = 100;

    /// <summary>The ports of a replica in a container of its own.</summary>
    public static ReplicaPorts InContainer { get; } = From(DefaultThrift, 0);

    /// <summary>
    /// Consecutive client ports from the first port on; peer ports are 100 higher, HTTP ports 200 higher.
    /// </summary>
    /// <exception cref="DistributedApplicationException">A port is out of range.</exception>
    public static IReadOnlyList<ReplicaPorts> Consecutive(int first, int replicas) =>
        first >= 1 && first + (2 * Step) + replicas - 1 <= ushort.MaxValue
            ? [.. Enumerable.Range(0, replicas).Select(index => From(first, index))]
            : throw new DistributedApplicationException(
                $"{replicas} replicas from port {first} up need the ports {first} to "
                + $"{first + (2 * Step) + replicas - 1}; "
                + $"ports lie between 1 and {ushort.MaxValue}.");

    /// <summary>Ports that nobody listens on at the moment.</summary>
    public static IReadOnlyList<ReplicaPorts> Free(int replicas)
    {
        var listeners = new List<TcpListener>();
        try
        {
            // Keep all ports bound until the last is found, so that no two are the same.
            for (int i = 0; i < 3 * replicas; i++)
            {
                var listener = new TcpListener(IPAddress.Loopback, 0);
                listener.Start();
                listeners.Add(listener);
            }

            int[] ports = [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
            return [.. ports.Chunk(3).Select(three => new ReplicaPorts(three[0], three[1], three[2]))];
        }
        finally
        {
            listeners.ForEach(listener => listener.Dispose());
        }
    }

    public static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static ReplicaPorts From(int first, int index) =>
        new(first + index, first + Step + index, first + (2 * Step) + index);
}
