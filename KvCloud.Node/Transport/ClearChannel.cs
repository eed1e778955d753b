using System.Net.Sockets;

namespace KvCloud.Node.Transport;

/// <summary>The socket as it is.</summary>
internal sealed class ClearChannel(Socket socket, TimeProvider time) : PeerChannel(socket, time)
{
    public override bool HasUnsent => false;

    public override int Receive(Span<byte> buffer) => ReceiveFromSocket(buffer);

    public override void Send(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[Socket.Send(bytes, SocketFlags.None)..];
        }
    }

    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken) =>
        Socket.ReceiveAsync(buffer, cancellationToken);

    public override async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[await Socket.SendAsync(bytes, cancellationToken)..];
        }
    }

    public override SocketError TrySend(ReadOnlySpan<byte> bytes, out int taken)
    {
        taken = Socket.Send(bytes, SocketFlags.None, out SocketError error);
        return error;
    }

    public override void Dispose()
    {
        // The socket is its owner's.
    }
}
