using System.Net;
using System.Net.Sockets;

namespace Aspire.Hosting.KvCloud;

/// <summary>The ports of one replica.</summary>
internal readonly record struct ReplicaPorts(int Thrift, int Peer, int Http)
{
    public const int DefaultThrift = 9090;

    /// <summary>
    /// Distance from the first port for clients to the first for peers, and from there to the first for HTTP.
    /// </summary>
    private const int Step = 100;

    /// <summary>What a replica listens on in a container of its own.</summary>
    public static ReplicaPorts InContainer { get; } = From(DefaultThrift, 0);

    /// <summary>Clients at the first port and up, peers a hundred above, HTTP two hundred above.</summary>
    /// <exception cref="DistributedApplicationException">These are no ports.</exception>
    public static IReadOnlyList<ReplicaPorts> Consecutive(int first, int replicas) =>
        first >= 1 && first + (2 * Step) + replicas - 1 <= ushort.MaxValue
            ? [.. Enumerable.Range(0, replicas).Select(index => From(first, index))]
            : throw new DistributedApplicationException(
                $"{replicas} replicas from port {first} up need the ports {first} to "
                + $"{first + (2 * Step) + replicas - 1}; "
                + $"ports lie between 1 and {ushort.MaxValue}.");

    /// <summary>Ports that nobody listens on now.</summary>
    public static IReadOnlyList<ReplicaPorts> Free(int replicas)
    {
        var listeners = new List<TcpListener>();
        try
        {
            // All are held until all are found, so that no two are the same.
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
