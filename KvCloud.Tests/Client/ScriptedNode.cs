using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using KvCloud.Protocol;
using Thrift;
using Thrift.Protocol;
using Thrift.Transport.Client;

namespace KvCloud.Tests.Client;

/// <summary>One call that has come to a scripted node.</summary>
internal sealed record ScriptedCall(ScriptedNode Node, string Method, TBase Request, int Number);

/// <summary>What the script has a node do instead of, or beside, running the call.</summary>
internal sealed record ScriptedAct
{
    public ErrorCode? Refuse { get; init; }

    public string? LeaderEndpoint { get; init; }

    /// <summary>Run the call first; what follows happens to its answer.</summary>
    public bool RunFirst { get; init; }

    /// <summary>Close the connection instead of answering.</summary>
    public bool Drop { get; init; }

    /// <summary>Never answer, as a node that is stopped.</summary>
    public bool Silence { get; init; }
}

/// <summary>
/// A real TCP server that speaks framed Thrift: calls of one connection run side by side, answers leave in request
/// order. A script decides call by call what goes wrong.
/// </summary>
internal sealed class ScriptedNode : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Task> _connections = [];
    private readonly List<Socket> _sockets = [];
    private readonly Lock _lock = new();
    private readonly Task _accepting;
    private int _calls;
    private int _isDisposed;

    public ScriptedNode(int id, ScriptedCluster cluster, int port = 0)
    {
        Id = id;
        Cluster = cluster;
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptLoopAsync();
    }

    public int Id { get; }

    public ScriptedCluster Cluster { get; }

    public int Port { get; }

    public string Endpoint => $"127.0.0.1:{Port}";

    /// <summary>Null: run the call as a well node would.</summary>
    public Func<ScriptedCall, ValueTask<ScriptedAct?>>? Script { get; set; }

    public int Connections
    {
        get
        {
            lock (_lock)
            {
                return _sockets.Count(socket => socket.Connected);
            }
        }
    }

    /// <summary>All calls so far, by method.</summary>
    public List<ScriptedCall> Log { get; } = [];

    public IReadOnlyList<ScriptedCall> Calls(string method)
    {
        lock (_lock)
        {
            return [.. Log.Where(call => call.Method == method)];
        }
    }

    /// <summary>Notes the call and asks the script.</summary>
    public async ValueTask<ScriptedAct?> ConsultAsync(string method, TBase request)
    {
        ScriptedCall call;
        lock (_lock)
        {
            call = new ScriptedCall(this, method, request, ++_calls);
            Log.Add(call);
        }

        return Script is { } script ? await script(call) : null;
    }

    public void DropConnections()
    {
        lock (_lock)
        {
            foreach (Socket socket in _sockets)
            {
                socket.Close(0);
            }

            _sockets.Clear();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        await _stopping.CancelAsync();
        _listener.Dispose();
        DropConnections();
        await _accepting;
        await Task.WhenAll(_connections);
        _stopping.Dispose();
    }

    private async Task AcceptLoopAsync()
    {
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptSocketAsync(_stopping.Token);
                socket.NoDelay = true;
                lock (_lock)
                {
                    _sockets.Add(socket);
                    _connections.Add(ServeAsync(socket));
                }
            }
        }
        catch (Exception exception) when (
            exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The node stops.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        var answers = Channel.CreateUnbounded<Task<byte[]?>>();
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        Task writing = WriteLoopAsync(stream, answers.Reader);
        try
        {
            byte[] header = new byte[4];
            while (true)
            {
                await stream.ReadExactlyAsync(header, _stopping.Token);
                byte[] frame = new byte[BinaryPrimitives.ReadInt32BigEndian(header)];
                await stream.ReadExactlyAsync(frame, _stopping.Token);
                answers.Writer.TryWrite(AnswerAsync(frame));
            }
        }
        catch (Exception exception) when (IsEnd(exception))
        {
            answers.Writer.TryComplete();
        }

        await writing;
    }

    private async Task<byte[]?> AnswerAsync(byte[] frame)
    {
        await Task.Yield();
        var handler = new ScriptedService(this);
        using var output = new TMemoryBufferTransport(new TConfiguration());
        using var input = new TMemoryBufferTransport(frame, new TConfiguration());
        using var inputProtocol = new TBinaryProtocol(input);
        using var outputProtocol = new TBinaryProtocol(output);
        await new TransactionalKV.AsyncProcessor(handler).ProcessAsync(inputProtocol, outputProtocol, _stopping.Token);
        if (handler.IsSilenced)
        {
            await Task.Delay(Timeout.Infinite, _stopping.Token);
        }

        return handler.IsDropped ? null : output.GetBuffer();
    }

    private async Task WriteLoopAsync(NetworkStream stream, ChannelReader<Task<byte[]?>> answers)
    {
        try
        {
            await foreach (Task<byte[]?> pending in answers.ReadAllAsync(_stopping.Token))
            {
                byte[]? answer = await pending;
                if (answer is null)
                {
                    stream.Socket.Close(0);
                    return;
                }

                byte[] framed = new byte[4 + answer.Length];
                BinaryPrimitives.WriteInt32BigEndian(framed, answer.Length);
                answer.CopyTo(framed, 4);
                await stream.WriteAsync(framed, _stopping.Token);
            }
        }
        catch (Exception exception) when (IsEnd(exception))
        {
            // The connection or the node is at its end.
        }
    }

    private static bool IsEnd(Exception exception) =>
        exception is IOException or SocketException or ObjectDisposedException or OperationCanceledException;
}
