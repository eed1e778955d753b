using System.Net.Sockets;
using KvCloud.Consensus;
using Microsoft.Extensions.Logging;

namespace KvCloud.Node.Transport;

/// <summary>
/// Sends to one peer: the channel of an <see cref="OutboundSession"/> and the lock around it. The calling thread
/// encodes into a buffer and tries a non-blocking send itself, which saves a thread switch per message. What the socket
/// does not take is left to a dedicated thread rather than the thread pool, so that heartbeats leave however busy the
/// pool is.
/// </summary>
internal sealed class PeerSender
{
    /// <summary>Sends per hold of the lock; a caller of Send should not have to drain a long queue.</summary>
    private const int MaxSendsInTurn = 4;

    private static readonly TimeSpan WritableWait = TimeSpan.FromSeconds(1);

    private readonly object _gate = new();
    private readonly Peer _peer;
    private readonly TransportOptions _options;
    private readonly LogThrottle _throttle;
    private readonly ILogger _logger;
    private OutboundSession? _session;
    private PeerChannel? _channel;
    private bool _isPumping;
    private bool _isStopped;

    public PeerSender(Peer peer, TransportOptions options, LogThrottle throttle, ILogger logger)
    {
        _peer = peer;
        _options = options;
        _throttle = throttle;
        _logger = logger;
    }

    /// <summary>Queues without sending: <see cref="Flush"/> sends everything queued at once.</summary>
    public void Enqueue(Message message)
    {
        EnqueueResult result;
        lock (_gate)
        {
            if (_session is not null)
            {
                result = _session.Enqueue(message);
            }
            else
            {
                _peer.Dropped(1);
                result = EnqueueResult.Dropped;
            }
        }

        if (result == EnqueueResult.TooLarge)
        {
            ReportTooLarge(message, ConsensusCodec.SizeOf(message));
        }
    }

    public void Enqueue(PeerReport report)
    {
        lock (_gate)
        {
            if (_session is { IsOutdated: true })
            {
                Break("the peer is of a newer release now: the next connection uses a newer wire version");
            }

            if (_session is not null)
            {
                _session.Enqueue(report);
            }
            else
            {
                _peer.Dropped(1);
            }
        }
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

    /// <summary>
    /// From now on the session's frames are sent on this channel, whose socket does not block; this sender now owns the
    /// session.
    /// </summary>
    public void Attach(OutboundSession session, PeerChannel channel)
    {
        lock (_gate)
        {
            Invariant.Check(_session is null, "a link has one connection at a time");
            _session = session;
            _channel = channel;
        }
    }

    /// <summary>The connection has ended.</summary>
    public void Detach(OutboundSession session, string reason)
    {
        lock (_gate)
        {
            session.Close(reason);
            if (_session == session)
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
            _session?.Close("this node is stopping");
            Forget();
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Body of the thread that waits for a socket to take more.</summary>
    public void Pump()
    {
        while (true)
        {
            PeerChannel channel;
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

                channel = _channel!;
            }

            WaitUntilWritable(channel.Socket);
            lock (_gate)
            {
                if (_channel == channel)
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
            // The connection broke meanwhile. The next send reports that, unless the session is detached by then.
        }
    }

    private void SendWaiting()
    {
        for (int sends = 0; _session is not null && (_session.QueuedBytes > 0 || _channel!.HasUnsent); sends++)
        {
            if (sends == MaxSendsInTurn || !SendOnce(_session))
            {
                LeaveToPump();
                return;
            }
        }
    }

    private void LeaveToPump()
    {
        if (_channel is not null)
        {
            _isPumping = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>False when the socket takes nothing more, for now or for good.</summary>
    private bool SendOnce(OutboundSession session)
    {
        try
        {
            SocketError error = _channel!.TrySend(session.Peek(), out int taken);
            if (taken > 0)
            {
                session.Consume(taken);
            }

            if (error == SocketError.Success)
            {
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
        Socket? socket = _channel?.Socket;
        _session?.Close("sending failed");
        Forget();
        socket?.Dispose();
    }

    private void Forget()
    {
        _session = null;
        _channel = null;
        _isPumping = false;
    }

    private void ReportTooLarge(Message message, long size)
    {
        string type = message.GetType().Name;
        if (_throttle.Allows($"too large {_peer.Id} {type}"))
        {
            TransportLog.MessageTooLarge(_logger, type, _peer.Id, size, _options.MaxFrameBytes);
        }
    }
}
