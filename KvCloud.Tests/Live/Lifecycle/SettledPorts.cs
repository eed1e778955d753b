using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace KvCloud.Tests.Live.Lifecycle;

/// <summary>
/// Ports outside the system's ephemeral range, so that a replica that is down for a while gets its own back.
/// </summary>
internal static class SettledPorts
{
    private const string RangeFile = "/proc/sys/net/ipv4/ip_local_port_range";
    private const int FirstPort = 15_000;
    private const int FirstPortOfTheSystem = 32_768;

    public static int[] Find(int count)
    {
        int[] all = [.. Enumerable.Range(FirstPort, Math.Max(count, EndOfRange() - FirstPort))];
        Random.Shared.Shuffle(all);
        int[] free = [.. all.Where(IsFree).Take(count)];
        return free.Length == count
            ? free
            : throw new InvalidOperationException($"fewer than {count} ports from {FirstPort} on are free");
    }

    private static int EndOfRange() => File.Exists(RangeFile)
        ? int.Parse(File.ReadAllText(RangeFile).Split()[0], CultureInfo.InvariantCulture)
        : FirstPortOfTheSystem;

    private static bool IsFree(int port)
    {
        var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
        finally
        {
            listener.Dispose();
        }
    }
}
