using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using KvCloud.Protocol;
using Thrift;
using Thrift.Protocol;
using Thrift.Protocol.Entities;
using Thrift.Transport.Client;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>
/// A socket, Apache's encoder and Apache's decoder: what any Thrift client is made of, in single steps.
/// </summary>
internal sealed class RawClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly TcpClient _socket;
    private readonly bool _isFramed;
    private readonly TBinaryProtocol _input;

    private RawClient(int port, bool isFramed, IPAddress? source)
    {
        _socket = new TcpClient(new IPEndPoint(source ?? IPAddress.Any, 0));
        _isFramed = isFramed;
        _socket.NoDelay = true;
        _socket.Connect(IPAddress.Loopback, port);
        Stream = _socket.GetStream();
        var transport = new TStreamTransport(Stream, Stream, new TConfiguration());
        _input = new TBinaryProtocol(isFramed
            ? new Thrift.Transport.TFramedTransport(transport)
            : new Thrift.Transport.TBufferedTransport(transport));
    }

    public NetworkStream Stream { get; }

    public Socket Socket => _socket.Client;

    /// <param name="source">The address that the server sees; on Linux all of 127.0.0.0/8 is local.</param>
    public static RawClient Connect(int port, bool isFramed = false, IPAddress? source = null) =>
        new(port, isFramed, source);

    public static byte[] Ping(int sequenceId, string text) =>
        Message("ping", sequenceId, new PingRequest { Message = Encoding.UTF8.GetBytes(text), Timestamp = sequenceId });

    /// <summary>A call as Apache's client code writes it.</summary>
    public static byte[] Message(string method, int sequenceId, TBase request)
    {
        var buffer = new TMemoryBufferTransport(new TConfiguration());
        var output = new TBinaryProtocol(buffer);
        output.WriteMessageBeginAsync(new TMessage(method, TMessageType.Call, sequenceId), default)
            .GetAwaiter().GetResult();
        output.WriteFieldBeginAsync(new TField("request", TType.Struct, 1), default).GetAwaiter().GetResult();
        request.WriteAsync(output).GetAwaiter().GetResult();
        output.WriteFieldStopAsync(default).GetAwaiter().GetResult();
        return buffer.GetBuffer()[..(int)buffer.Length];
    }

    public static byte[] Frame(byte[] message)
    {
        byte[] framed = new byte[message.Length + 4];
        BinaryPrimitives.WriteInt32BigEndian(framed, message.Length);
        message.CopyTo(framed, 4);
        return framed;
    }

    public void Send(byte[] message) => Stream.Write(_isFramed ? Frame(message) : message);

    /// <summary>The next answer to a ping: its sequence id and text.</summary>
    public async Task<(int SequenceId, string Text)> ReceivePingAsync()
    {
        var result = new TransactionalKV.InternalStructs.ping_result();
        int sequenceId = await ReceiveAsync(result);
        return (sequenceId, Encoding.UTF8.GetString(result.Success!.Message));
    }

    /// <summary>The next answer of any method; throws TApplicationException if it is one.</summary>
    public async Task<int> ReceiveAsync(TBase result)
    {
        using var patience = new CancellationTokenSource(Patience);
        TMessage header = await _input.ReadMessageBeginAsync(patience.Token);
        if (header.Type == TMessageType.Exception)
        {
            throw await TApplicationException.ReadAsync(_input, patience.Token);
        }

        await result.ReadAsync(_input, patience.Token);
        await _input.ReadMessageEndAsync(patience.Token);
        return header.SeqID;
    }

    /// <summary>Whether the server closes the connection, without another byte.</summary>
    public async Task<bool> IsClosedByServerAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            return await Stream.ReadAsync(new byte[1], patience.Token) == 0;
        }
        catch (IOException)
        {
            return true;
        }
    }

    public void Dispose() => _socket.Dispose();
}
