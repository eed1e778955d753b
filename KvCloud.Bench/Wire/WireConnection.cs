using System.Net;
using System.Net.Sockets;
using KvCloud.Bench.Load;
using KvCloud.Protocol.Wire;

namespace KvCloud.Bench.Wire;

/// <summary>
/// One socket, its protocol, and the operations in flight on it. Owned by one <see cref="WireLoop"/>.
/// </summary>
internal sealed class WireConnection : IDisposable
{
    private const int ReadBytes = 64 * 1024;

    private readonly Func<string, WireProtocol> _newProtocol;
    private readonly WireBuffer _input = new(ReadBytes * 2);
    private readonly WireBuffer _output = new(ReadBytes);
    private readonly Operation[] _operations;
    private readonly bool[] _busy;
    private readonly int[] _free;
    private int _freeCount;
    private Socket? _socket;
    private WireProtocol? _protocol;
    private bool _watchesWrites;

    public WireConnection(int id, int inFlight, Func<string, WireProtocol> newProtocol)
    {
        Id = id;
        _newProtocol = newProtocol;
        _operations = new Operation[inFlight];
        _busy = new bool[inFlight];
        _free = new int[inFlight];
        FreeAll();
    }

    public int Id { get; }

    public bool IsOpen => _socket is not null;

    public bool HasRoom => _freeCount > 0 && IsOpen;

    public int InFlight => _operations.Length - _freeCount;

    /// <summary>A lost connection is not retried before this time, in Stopwatch ticks.</summary>
    public long RetryAtTicks { get; set; }

    /// <param name="source">The local address to connect from; null to let the system choose.</param>
    public void Connect(string endpoint, IPAddress? source, Epoll epoll)
    {
        (string? host, int port) = Endpoints.Split(endpoint);
        var socket = new Socket(SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (source is not null)
            {
                // The socket is dual-stack.
                socket.Bind(new IPEndPoint(source.MapToIPv6(), 0));
            }

            socket.Connect(host, port);
            socket.Blocking = false;
            epoll.Watch(socket.SafeHandle, Id);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        _socket = socket;
        _watchesWrites = false;
        _input.Clear();
        _output.Clear();
        _protocol = _newProtocol(endpoint);
        _protocol.Open(_output);
    }

    /// <summary>Registers <paramref name="operation"/> as in flight; returns its token.</summary>
    public int Take(in Operation operation)
    {
        int token = _free[--_freeCount];
        _operations[token] = operation;
        _busy[token] = true;
        return token;
    }

    /// <summary>The operation with <paramref name="token"/>, which must be in flight.</summary>
    public ref Operation OperationOf(int token)
    {
        if ((uint)token >= (uint)_busy.Length || !_busy[token])
        {
            throw new WireException($"the server answered call {token}, which is not in flight");
        }

        return ref _operations[token];
    }

    public void Release(int token)
    {
        _busy[token] = false;
        _free[_freeCount++] = token;
    }

    public void Write(in WireCall call, int token) => _protocol!.Write(call, token, _output);

    /// <summary>Reads once and parses; false if the peer has closed the connection.</summary>
    public bool Receive(List<WireAnswer> answers)
    {
        int count = _socket!.Receive(_input.GetSpan(ReadBytes), SocketFlags.None, out SocketError error);
        if (error == SocketError.WouldBlock)
        {
            return true;
        }

        if (error != SocketError.Success || count == 0)
        {
            return false;
        }

        _input.Advance(count);
        _protocol!.Read(_input, answers, _output);
        return true;
    }

    /// <summary>
    /// Sends what the socket accepts now and the rest when it becomes writable; false if the peer is gone.
    /// </summary>
    public bool Flush(Epoll epoll)
    {
        while (_output.Length > 0)
        {
            int count = _socket!.Send(_output.Unread, SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock)
            {
                break;
            }

            if (error != SocketError.Success)
            {
                return false;
            }

            _output.Consume(count);
        }

        bool wants = _output.Length > 0;
        if (wants != _watchesWrites)
        {
            _watchesWrites = wants;
            epoll.WatchWrites(_socket!.SafeHandle, Id, wants);
        }

        return true;
    }

    /// <summary>Closes the socket and returns the operations in flight; their slots become free.</summary>
    public IEnumerable<Operation> Close()
    {
        _socket?.Dispose();
        _socket = null;
        Operation[] lost = Enumerable.Range(0, _busy.Length).Where(i => _busy[i]).Select(i => _operations[i]).ToArray();
        FreeAll();
        return lost;
    }

    public void Dispose() => _socket?.Dispose();

    private void FreeAll()
    {
        Array.Clear(_busy);
        for (int i = 0; i < _free.Length; i++)
        {
            _free[i] = _free.Length - 1 - i;
        }

        _freeCount = _free.Length;
    }
}
