using System.Net;
using System.Net.Sockets;

namespace KvCloud.Node.Transport;

/// <summary>Socket settings of connections between replicas.</summary>
internal static class PeerSocket
{
    private const int TcpLevel = 6;
    private const int LinuxTcpUserTimeout = 18;
    private const int LinuxTcpNotSentLowWater = 25;

    /// <summary>Limit of unsent bulk data in the kernel's send buffer, where heartbeats cannot overtake it.</summary>
    private const int MaxUnsentInKernelBytes = 512 * 1024;

    /// <summary>
    /// A link is one-way, so silence on it means nothing. A peer counts as dead when data sent to it stays
    /// unacknowledged or, on an idle link, when it does not answer TCP keep-alive probes.
    /// </summary>
    public static void Configure(Socket socket, int peerTimeoutMs)
    {
        socket.NoDelay = true;
        int probeSeconds = Math.Max(1, peerTimeoutMs / 3000);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, probeSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, probeSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 3);
        if (OperatingSystem.IsLinux())
        {
            socket.SetRawSocketOption(TcpLevel, LinuxTcpUserTimeout, BitConverter.GetBytes(peerTimeoutMs));
            socket.SetRawSocketOption(TcpLevel, LinuxTcpNotSentLowWater, BitConverter.GetBytes(MaxUnsentInKernelBytes));
        }
    }

    public static Socket Create(EndPoint endpoint) => endpoint is IPEndPoint address
        ? new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp)
        : new Socket(SocketType.Stream, ProtocolType.Tcp);

    /// <summary>All addresses are those of IPv4 too, as Kestrel understands it on the other ports.</summary>
    public static Socket CreateListener(IPEndPoint address)
    {
        var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (address.Address.Equals(IPAddress.IPv6Any))
        {
            listener.DualMode = true;
        }

        return listener;
    }

    public static string Describe(EndPoint? endpoint) => endpoint switch
    {
        null => "unknown",
        DnsEndPoint name => $"{name.Host}:{name.Port}",
        _ => endpoint.ToString() ?? "unknown",
    };
}
