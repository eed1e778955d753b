using System.Net;
using System.Net.Sockets;

namespace KvCloud.Tests.Live.Attacks;

/// <summary>Many connections of one attack, from one local address or several.</summary>
internal sealed class AttackSockets : IDisposable
{
    private static readonly IPAddress[] OneAddress = [new([127, 0, 0, 66])];

    private const int ConnectAtOnce = 32;
    private const int PruneEvery = 100;

    private readonly Lock _gate = new();
    private readonly List<Socket> _sockets = [];
    private int _made;

    /// <summary>Those that were not found closed.</summary>
    public IReadOnlyList<Socket> All => _sockets;

    /// <summary>Connections made, whatever became of them.</summary>
    public int Made => Volatile.Read(ref _made);

    /// <summary>Those that the replica has not closed.</summary>
    public int Open => _sockets.Count(socket => !IsClosed(socket));

    public static IPAddress[] Addresses(int count) =>
        [.. Enumerable.Range(0, count).Select(i => new IPAddress([127, 0, 66, (byte)(1 + i)]))];

    /// <summary>Connects so often, or until cancelled; connections that are refused are left out.</summary>
    public async Task ConnectAsync(
        IPEndPoint target, int count, CancellationToken cancellationToken, IPAddress[]? addresses = null)
    {
        addresses ??= OneAddress;
        int next = 0;
        await Task.WhenAll(Enumerable.Range(0, ConnectAtOnce).Select(_ => Task.Run(
            async () =>
            {
                while (!cancellationToken.IsCancellationRequested
                    && Interlocked.Increment(ref next) is var i && i <= count)
                {
                    if (await TryConnectAsync(target, addresses[i % addresses.Length]) is { } socket)
                    {
                        Add(socket);
                    }
                }
            },
            CancellationToken.None)));
    }

    private void Add(Socket socket)
    {
        lock (_gate)
        {
            _sockets.Add(socket);
            if (++_made % PruneEvery == 0)
            {
                // Files are fewer than connections that the replica refuses.
                _sockets.RemoveAll(DisposeIfClosed);
            }
        }
    }

    private static bool DisposeIfClosed(Socket socket)
    {
        bool isClosed = IsClosed(socket);
        if (isClosed)
        {
            socket.Dispose();
        }

        return isClosed;
    }

    public static async Task<Socket?> TryConnectAsync(IPEndPoint target, IPAddress? source = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Bind(new IPEndPoint(source ?? OneAddress[0], 0));
            await socket.ConnectAsync(target);
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }

    /// <summary>Sends what the socket takes at once; false when the connection is gone.</summary>
    public static bool TrySend(Socket socket, ReadOnlySpan<byte> bytes)
    {
        socket.Blocking = false;
        socket.Send(bytes, SocketFlags.None, out SocketError error);
        return error is SocketError.Success or SocketError.WouldBlock;
    }

    public static bool IsClosed(Socket socket)
    {
        try
        {
            return socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return true;
        }
    }

    public void Dispose() => _sockets.ForEach(socket => socket.Dispose());
}
