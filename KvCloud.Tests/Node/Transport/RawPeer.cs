using System.Net;
using System.Net.Sockets;
using KvCloud.Consensus;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Transport;

/// <summary>A bare socket in a test's hand that can speak the protocol, or anything else, or nothing.</summary>
internal sealed class RawPeer(Socket socket) : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly List<byte> _unread = [];

    public Socket Socket { get; } = socket;

    public static async Task<RawPeer> CallAsync(EndPoint target)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(target).WaitAsync(Limit);
        return new RawPeer(socket);
    }

    /// <summary>Calls and greets as this peer would.</summary>
    public static async Task<RawPeer> GreetAsync(EndPoint target, PeerIdentity identity, int expected)
    {
        RawPeer peer = await CallAsync(target);
        await peer.SendAsync(Handshake.EncodeHello(identity, expected));
        Handshake.DecodeAnswer(await peer.ReceiveHandshakeAsync(), Handshake.RangeForm, PeerRelease.Plain);
        return peer;
    }

    /// <summary>Takes a call and answers that it is welcome.</summary>
    public static async Task<RawPeer> TakeAsync(TcpListener listener, PeerIdentity identity)
    {
        var peer = new RawPeer(await listener.AcceptSocketAsync().WaitAsync(Limit));
        Handshake.DecodeHello(await peer.ReceiveHandshakeAsync(), PeerRelease.Plain);
        await peer.SendAsync(Handshake.EncodeWelcome(identity));
        return peer;
    }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[await Socket.SendAsync(bytes).AsTask().WaitAsync(Limit)..];
        }
    }

    public async Task<byte[]> ReceiveHandshakeAsync()
    {
        using var limit = new CancellationTokenSource(Limit);
        var buffer = new HandshakeBuffer();
        int count;
        do
        {
            count = await Socket.ReceiveAsync(buffer.Free(), limit.Token);
            if (count == 0)
            {
                throw new EndOfStreamException("the other side closed the connection during the handshake");
            }
        }
        while (!buffer.Advance(count));

        return buffer.Frame.ToArray();
    }

    public async Task<Message> ReceiveMessageAsync()
    {
        byte[] buffer = new byte[64 * 1024];
        while (true)
        {
            byte[] have = [.. _unread];
            int size = Frame.SizeOf(have, ConsensusCodec.Version, int.MaxValue);
            if (size > 0 && size <= have.Length)
            {
                _unread.RemoveRange(0, size);
                return ConsensusCodec.DecodeMessage(have.AsSpan(0, size));
            }

            int count = await Socket.ReceiveAsync(buffer).WaitAsync(Limit);
            Assert.True(count > 0, "the connection ended before the message");
            _unread.AddRange(buffer.AsSpan(0, count));
        }
    }

    /// <summary>Reads until the other side closes; a reset counts as closed.</summary>
    public async Task ClosedByOtherAsync()
    {
        byte[] buffer = new byte[4096];
        try
        {
            int count;
            do
            {
                count = await Socket.ReceiveAsync(buffer).WaitAsync(Limit);
            }
            while (count > 0);
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionReset)
        {
        }
    }

    public void Dispose() => Socket.Dispose();
}
