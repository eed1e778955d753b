using System.Net;
using System.Net.Sockets;

namespace KvCloud.Node.Access;

/// <summary>One client's connection, as far as rights are concerned: from where, and who has logged in on it.</summary>
internal sealed class Caller(EndPoint? remote)
{
    private const int NetworkBytes = 8;

    private volatile Principal _principal = Principal.Anonymous;

    /// <summary>Changed by a login, which holds for every call that arrives after its answer.</summary>
    public Principal Principal
    {
        get => _principal;
        set => _principal = value;
    }

    /// <summary>For a call that goes on later, as who had logged in when it came.</summary>
    public Caller AsOfNow() => new(remote) { Principal = Principal };

    /// <summary>From where, for the audit trail.</summary>
    public string Remote => remote?.ToString() ?? "";

    /// <summary>
    /// Without the port: who tries passwords does so by many connections. Of an address of IPv6 the network alone:
    /// whoever has one address of it has them all.
    /// </summary>
    public string Address => remote is IPEndPoint ip ? NetworkOf(ip.Address) : Remote;

    private static string NetworkOf(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address.ToString();
        }

        byte[] bytes = address.GetAddressBytes();
        bytes.AsSpan(NetworkBytes).Clear();
        return new IPAddress(bytes) + "/64";
    }
}
