using System.Net;
using System.Net.Sockets;

namespace KvCloud.Node.Replication.Fairness;

/// <summary>Who calls, as long as nobody has logged in.</summary>
internal static class CallerAddress
{
    private const int Ipv6SubnetBytes = 8;

    /// <summary>
    /// As error messages name it: <c>address 10.0.0.7</c>. An IPv6 subnet counts as one, because whoever has one of its
    /// addresses usually has all of them.
    /// </summary>
    public static string NameOf(EndPoint? remote)
    {
        if (remote is not IPEndPoint { Address: { } address })
        {
            return "address unknown";
        }

        if (address.AddressFamily == AddressFamily.InterNetwork || address.IsIPv4MappedToIPv6)
        {
            return $"address {address.MapToIPv4()}";
        }

        byte[] bytes = address.GetAddressBytes();
        Array.Clear(bytes, Ipv6SubnetBytes, bytes.Length - Ipv6SubnetBytes);
        return $"address {new IPAddress(bytes)}/{Ipv6SubnetBytes * 8}";
    }
}
