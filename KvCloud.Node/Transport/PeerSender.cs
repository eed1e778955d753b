using System.Net.Sockets;
using KvCloud.Consensus;
using Microsoft.Extensions.Logging;

namespace KvCloud.Node.Transport;

/// <summary>
/// The way out to one peer. The calling thread encodes into a buffer and tries the socket itself, which does not block:
/// that saves a change of threads on the way of every message. Only what the socket does not take is left to a thread
/// of its own, not to the thread pool, so that heartbeats go out however busy the pool is.
/// </summary>
internal sealed class PeerSender
{
    /// <summary>
    /// Control frames pass in front of bulk only when more than this waits; less is not worth a send of its own.
    /// </summary>
    private const int OvertakeBytes = 64 * 1024;

    /// <summary>A larger frame is bulk whatever its type.</summary>
    private const int MaxControlFrameBytes = 64 * 1024;

    /// <summary>Sends under one hold of the lock; a caller of Send is not to empty a long queue.</summary>
    private const int MaxSendsInTurn = 4;

    private static readonly TimeSpan WritableWait = TimeSpan.FromSeconds(1);

    private readonly object _gate = new();
    private readonly OutgoingBuffer _bulk = new();
    private readonly OutgoingBuffer _control = new();
    private readonly Peer _peer;
    private readonly TransportOptions _options;
    private readonly LogThrottle _throttle;
    private readonly ILogger _logger;
    private Socket? _socket;
    private bool _isPumping;
    private bool _isStopped;

    public PeerSender(Peer peer, TransportOptions options, LogThrottle throttle, ILogger logger)
    {
        _peer = peer;
        _options = options;
        _throttle = throttle;
        _logger = logger;
    }

    /// <summary>Queues without sending: <see cref="Flush"/> sends all that was queued at once.</summary>
    public void Enqueue(Message message)
    {
        long size = ConsensusCodec.SizeOf(message);
        if (size > _options.MaxFrameBytes)
        {
            EnqueueInParts(message, size);
            return;
        }

        bool isBulk = message is Accept or CatchUpReply or Forward || size > MaxControlFrameBytes;
        lock (_gate)
        {
            if (HasRoom((int)size, isBulk) is OutgoingBuffer buffer)
            {
                ConsensusCodec.Encode(message, buffer.Append((int)size));
                return;
            }
        }

        _peer.Dropped(1);
    }

    public void Enqueue(PeerReport report)
    {
        int size = ConsensusCodec.SizeOf(report);
        lock (_gate)
        {
            if (HasRoom(size, isBulk: false) is OutgoingBuffer buffer)
            {
                ConsensusCodec.Encode(report, buffer.Append(size));
                return;
            }
        }

        _peer.Dropped(1);
    }

    public void Flush()
    {
        lock (_gate)
        {
            if (!_isPumping)
            {
                SendWaiting();
            }
        }
    }

    /// <summary>From now on messages go out on this socket, which has been greeted and does not block.</summary>
    public void Attach(Socket socket)
    {
        lock (_gate)
        {
            Invariant.Check(_socket is null, "a link has one connection at a time");
            _socket = socket;
        }
    }

    /// <summary>
    /// The connection has ended: what still waits is lost, for it may be stale when the next one is made.
    /// </summary>
    public void Detach(Socket socket)
    {
        lock (_gate)
        {
            if (_socket == socket)
            {
                Forget();
            }
        }
    }

    public void Stop()
    {
        lock (_gate)
        {
            _isStopped = true;
            Forget();
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Body of the thread that waits for a socket to take more.</summary>
    public void Pump()
    {
        while (true)
        {
            Socket socket;
            lock (_gate)
            {
                while (!_isPumping && !_isStopped)
                {
                    Monitor.Wait(_gate);
                }

                if (_isStopped)
                {
                    return;
                }

                socket = _socket!;
            }

            WaitUntilWritable(socket);
            lock (_gate)
            {
                if (_socket == socket)
                {
                    _isPumping = false;
                    SendWaiting();
                }
            }
        }
    }

    private static void WaitUntilWritable(Socket socket)
    {
        try
        {
            socket.Poll(WritableWait, SelectMode.SelectWrite);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The connection broke meanwhile. The send that follows says so, unless it is detached by then.
        }
    }

    /// <summary>The buffer that takes a frame of this size now; null if it must be dropped.</summary>
    private OutgoingBuffer? HasRoom(int size, bool isBulk)
    {
        if (_socket is null)
        {
            return null;
        }

        if (isBulk)
        {
            return _bulk.Bytes + size <= _options.MaxQueuedBulkBytes ? _bulk : null;
        }

        if (_control.Bytes == 0 && _bulk.Bytes <= OvertakeBytes)
        {
            return _bulk;
        }

        return _control.Bytes + size <= _options.MaxQueuedControlBytes ? _control : null;
    }

    private void SendWaiting()
    {
        for (int sends = 0; _bulk.Bytes + _control.Bytes > 0; sends++)
        {
            if (sends == MaxSendsInTurn || !SendOnce())
            {
                LeaveToPump();
                return;
            }
        }
    }

    private void LeaveToPump()
    {
        if (_socket is not null)
        {
            _isPumping = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>False when the socket takes nothing now, or nothing ever again.</summary>
    private bool SendOnce()
    {
        bool isControl = _control.Bytes > 0 && _bulk.StartedFrameBytes == 0;
        OutgoingBuffer buffer = isControl ? _control : _bulk;
        ReadOnlySpan<byte> next = buffer.Peek(startedFrameOnly: !isControl && _control.Bytes > 0);
        try
        {
            int sent = _socket!.Send(next, SocketFlags.None, out SocketError error);
            if (error == SocketError.Success)
            {
                int finished = buffer.Consume(sent);
                _peer.Sent(sent, finished);
                return true;
            }

            if (error is not (SocketError.WouldBlock or SocketError.NoBufferSpaceAvailable))
            {
                Break(error.ToString());
            }
        }
        catch (ObjectDisposedException)
        {
            Break("closed");
        }

        return false;
    }

    /// <summary>Closing the socket wakes the connector, which waits for its end and makes the next one.</summary>
    private void Break(string why)
    {
        TransportLog.SendFailed(_logger, _peer.Id, why);
        Socket? socket = _socket;
        Forget();
        socket?.Dispose();
    }

    private void Forget()
    {
        _socket = null;
        _isPumping = false;
        _peer.Disconnected();
        _peer.Dropped(_bulk.Clear() + _control.Clear());
    }

    /// <summary>An Accept is about each of its entries alone, so it may travel in parts. Nothing else may.</summary>
    private void EnqueueInParts(Message message, long size)
    {
        if (message is Accept { Entries.Count: > 1 } accept)
        {
            int half = accept.Entries.Count / 2;
            Enqueue(accept with { Entries = accept.Entries.Take(half).ToArray() });
            Enqueue(accept with { Entries = accept.Entries.Skip(half).ToArray() });
            return;
        }

        _peer.Dropped(1);
        string type = message.GetType().Name;
        if (_throttle.Allows($"too large {_peer.Id} {type}"))
        {
            TransportLog.MessageTooLarge(_logger, type, _peer.Id, size, _options.MaxFrameBytes);
        }
    }
}
