using System.Globalization;
using System.Net.Sockets;
using KvCloud.Protocol;
using Thrift;
using Thrift.Protocol;
using Thrift.Transport;
using Thrift.Transport.Client;

namespace KvCloud.Tests.Live;

/// <summary>A client as Apache generates it: one connection to one node, no retry, no idea of leaders.</summary>
internal sealed class PlainClient : IDisposable
{
    private readonly TcpClient _socket;

    public PlainClient(string endpoint)
    {
        int colon = endpoint.LastIndexOf(':');
        _socket = new TcpClient(endpoint[..colon], int.Parse(endpoint[(colon + 1)..], CultureInfo.InvariantCulture))
        {
            NoDelay = true,
        };
        Calls = new TransactionalKV.Client(
            new TBinaryProtocol(new TBufferedTransport(new TSocketTransport(_socket, new TConfiguration()))));
    }

    public TransactionalKV.Client Calls { get; }

    public void Dispose()
    {
        Calls.Dispose();
        _socket.Dispose();
    }
}
