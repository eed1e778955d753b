using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using KvCloud.Consensus;
using KvCloud.Node.Transport;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace KvCloud.Bench.Micro;

/// <summary>
/// One side of a <see cref="KestrelTransportPair"/>: accepts one connection, on which it receives, and makes one, on
/// which it sends.
/// </summary>
internal sealed class KestrelPeer : IAsyncDisposable
{
    private static readonly int MaxFrameBytes = new TransportOptions().MaxFrameBytes;

    private readonly Lock _gate = new();
    private readonly IConnectionListener _listener;
    private readonly SocketConnectionContextFactory _connections;
    private readonly Action<IReadOnlyList<Message>> _onReceived;
    private readonly Task _reading;
    private ConnectionContext? _out;
    private byte[] _scratch = [];

    private KestrelPeer(
        IConnectionListener listener, SocketTransportOptions options, Action<IReadOnlyList<Message>> onReceived)
    {
        _listener = listener;
        _onReceived = onReceived;
        _connections = new SocketConnectionContextFactory(
            new SocketConnectionFactoryOptions
            {
                MaxWriteBufferSize = options.MaxWriteBufferSize,
                MaxReadBufferSize = options.MaxReadBufferSize,
                UnsafePreferInlineScheduling = options.UnsafePreferInlineScheduling,
            },
            NullLogger.Instance);
        _reading = ServeAsync();
    }

    public EndPoint EndPoint => _listener.EndPoint;

    public static async Task<KestrelPeer> ListenAsync(
        SocketTransportOptions options, Action<IReadOnlyList<Message>> onReceived)
    {
        var factory = new SocketTransportFactory(Options.Create(options), NullLoggerFactory.Instance);
        IConnectionListener listener = await factory
            .BindAsync(new IPEndPoint(IPAddress.Loopback, 0), CancellationToken.None)
            .ConfigureAwait(false);
        return new KestrelPeer(listener, options, onReceived);
    }

    public async Task ConnectAsync(EndPoint peer)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(peer).ConfigureAwait(false);
        _out = _connections.Create(socket);
    }

    /// <summary>Encodes into the pipe. Any thread may call.</summary>
    public void Send(IReadOnlyList<Message> messages)
    {
        lock (_gate)
        {
            PipeWriter writer = _out!.Transport.Output;
            for (int i = 0; i < messages.Count; i++)
            {
                int size = (int)ConsensusCodec.SizeOf(messages[i]);
                ConsensusCodec.Encode(messages[i], writer.GetSpan(size)[..size]);
                writer.Advance(size);
            }

            ValueTask<FlushResult> flush = writer.FlushAsync(CancellationToken.None);
            if (!flush.IsCompletedSuccessfully)
            {
                throw new BenchException("The pipe is full, which the benchmark's window should not let happen.");
            }

            _ = flush.Result;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_out is not null)
        {
            await _out.DisposeAsync().ConfigureAwait(false);
        }

        await _reading.ConfigureAwait(false);
        await _listener.DisposeAsync().ConfigureAwait(false);
        _connections.Dispose();
    }

    private async Task ServeAsync()
    {
        ConnectionContext? accepted = await _listener.AcceptAsync(CancellationToken.None).ConfigureAwait(false);
        if (accepted is null)
        {
            return;
        }

        await using (accepted.ConfigureAwait(false))
        {
            PipeReader input = accepted.Transport.Input;
            while (true)
            {
                ReadResult read = await input.ReadAsync(CancellationToken.None).ConfigureAwait(false);
                ReadOnlySequence<byte> buffer = read.Buffer;
                List<Message>? messages = TakeFrames(ref buffer);
                input.AdvanceTo(buffer.Start, buffer.End);
                if (messages is not null)
                {
                    _onReceived(messages);
                }

                if (read.IsCompleted)
                {
                    return;
                }
            }
        }
    }

    private List<Message>? TakeFrames(ref ReadOnlySequence<byte> buffer)
    {
        List<Message>? messages = null;
        Span<byte> header = stackalloc byte[Frame.HeaderBytes];
        while (buffer.Length >= Frame.HeaderBytes)
        {
            buffer.Slice(0, Frame.HeaderBytes).CopyTo(header);
            int size = Frame.SizeOf(header, ConsensusCodec.Version, MaxFrameBytes);
            if (size > buffer.Length)
            {
                break;
            }

            (messages ??= []).Add(ConsensusCodec.DecodeMessage(InOnePiece(buffer.Slice(0, size), size)));
            buffer = buffer.Slice(size);
        }

        return messages;
    }

    /// <summary>The codec takes a span; only a frame that lies across blocks of the pipe is copied for that.</summary>
    private ReadOnlySpan<byte> InOnePiece(in ReadOnlySequence<byte> frame, int size)
    {
        if (frame.IsSingleSegment)
        {
            return frame.FirstSpan;
        }

        if (_scratch.Length < size)
        {
            _scratch = new byte[size];
        }

        frame.CopyTo(_scratch);
        return _scratch.AsSpan(0, size);
    }
}
