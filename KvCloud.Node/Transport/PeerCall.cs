using System.Net;
using System.Net.Sockets;

namespace KvCloud.Node.Transport;

/// <summary>The socket of one attempt to reach a peer, and what is spoken on it; frees both at the end.</summary>
internal sealed class PeerCall(TimeProvider time) : IDisposable
{
    private Socket? _socket;
    private PeerChannel? _channel;

    /// <summary>Begins anew: what there was before is closed.</summary>
    public Socket NewSocket(EndPoint target)
    {
        Dispose();
        _socket = PeerSocket.Create(target);
        return _socket;
    }

    public ClearChannel SpeakClearText()
    {
        var channel = new ClearChannel(_socket!, time);
        _channel = channel;
        return channel;
    }

    public TlsChannel SpeakTls()
    {
        var channel = new TlsChannel(_socket!, time);
        _channel = channel;
        return channel;
    }

    public void Dispose()
    {
        _socket?.Dispose();
        _channel?.Dispose();
        _channel = null;
    }
}
