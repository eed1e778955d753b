using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace KvCloud.Node.Transport;

/// <summary>
/// The bytes of a connection between replicas: a socket, or TLS on one. An accepted connection is read and answered
/// blocking; one that was made is greeted asynchronously, and then sends without blocking. Every failure is a
/// SocketException, an ObjectDisposedException, or an EndOfStreamException with the reason.
/// </summary>
internal abstract class PeerChannel(Socket socket, TimeProvider time) : IDisposable
{
    private long? _deadlineMs;

    public Socket Socket { get; } = socket;

    /// <summary>Bytes that were taken by <see cref="TrySend"/>, and that the socket has not taken yet.</summary>
    public abstract bool HasUnsent { get; }

    /// <summary>Blocking; 0 at the end.</summary>
    public abstract int Receive(Span<byte> buffer);

    /// <summary>Blocking, all of it.</summary>
    public abstract void Send(ReadOnlySpan<byte> bytes);

    /// <summary>0 at the end.</summary>
    public abstract ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>All of it.</summary>
    public abstract ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>
    /// Sends what the socket takes at the moment; for a socket that does not block. Without bytes it goes on with those
    /// that were taken before.
    /// </summary>
    /// <param name="taken">So many of the bytes are this channel's concern now.</param>
    public abstract SocketError TrySend(ReadOnlySpan<byte> bytes, out int taken);

    /// <summary>Frees what is not the socket. Its thread or its owner calls this, when nobody reads any more.</summary>
    public abstract void Dispose();

    /// <summary>From now on blocking receives end at this time, however slowly the bytes arrive.</summary>
    public void ReceiveUntil(long deadlineMs) => _deadlineMs = deadlineMs;

    public void ReceiveWithoutDeadline()
    {
        _deadlineMs = null;
        Socket.ReceiveTimeout = 0;
    }

    /// <summary>The first byte, which stays unread; null at the end.</summary>
    public byte? Peek()
    {
        byte first = 0;
        return ReceiveFromSocket(MemoryMarshal.CreateSpan(ref first, 1), SocketFlags.Peek) == 0 ? null : first;
    }

    /// <summary>Blocking; what comes from the socket, whatever it means.</summary>
    public int ReceiveRaw(Span<byte> buffer) => ReceiveFromSocket(buffer);

    protected int ReceiveFromSocket(Span<byte> buffer, SocketFlags flags = SocketFlags.None)
    {
        if (_deadlineMs is long deadline)
        {
            long left = deadline - time.NowMs();
            if (left <= 0)
            {
                throw new SocketException((int)SocketError.TimedOut);
            }

            Socket.ReceiveTimeout = (int)left;
        }

        return Socket.Receive(buffer, flags);
    }
}
