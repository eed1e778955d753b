using System.Net.Sockets;
using KvCloud.Consensus;
using Microsoft.Extensions.Logging;

namespace KvCloud.Node.Transport;

/// <summary>What accepted connections need from the transport.</summary>
internal interface IInboundHost
{
    PeerGate Gate { get; }

    TransportOptions Options { get; }

    ILogger Logger { get; }

    LogThrottle Throttle { get; }

    /// <summary>The peer of this id, null if there is none.</summary>
    Peer? FindPeer(int nodeId);

    /// <summary>The connection belongs to the peer; an older one of that peer is closed.</summary>
    void Identified(InboundConnection connection, Peer peer);

    void Ended(InboundConnection connection);

    void Deliver(IReadOnlyList<Message> messages);

    void Deliver(PeerReport report);
}

/// <summary>
/// The socket of an <see cref="InboundSession"/>, read by its own thread with blocking receives. Measured on 2 cores
/// against asynchronous receives: 15 instead of 25 microseconds of processor time for a lone message, the same for bulk
/// (it saves the detour through the poll thread and the thread pool). Messages also arrive when the thread pool is
/// starved. There are never more than a handful of these threads.
/// </summary>
internal sealed class InboundConnection(Socket socket, IInboundHost host)
{
    private readonly string _remote = PeerSocket.Describe(socket.RemoteEndPoint);
    private readonly InboundSession _session = new(host.Gate, host.FindPeer, host.Options.MaxFrameBytes);
    private int _isClosed;
    private bool _isAnnounced;

    /// <summary>Who called; null until it said so and was admitted.</summary>
    public Peer? Peer => _session.Peer;

    public void Close()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0)
        {
            // This also ends a blocking receive on another thread.
            socket.Dispose();
        }
    }

    /// <summary>Body of the connection's thread.</summary>
    public void Run()
    {
        try
        {
            if (!Greet())
            {
                return;
            }

            // A peer that refused this node last time will do so again; that is not worth two log lines each time.
            Peer peer = _session.Peer!;
            if (peer.LastInboundRefusal is not string before
                || host.Throttle.Allows($"connected again {peer.Id} {before}"))
            {
                Announce(peer);
            }

            string reason = Read(peer);
            _session.Close(reason);
            if (_isAnnounced)
            {
                TransportLog.InboundEnded(host.Logger, peer.Id, _remote, reason);
            }
        }
        finally
        {
            _session.Close("this node closed it");
            Close();
            host.Ended(this);
        }
    }

    private void Announce(Peer peer)
    {
        _isAnnounced = true;
        TransportLog.InboundAccepted(host.Logger, peer.Id, _remote);
    }

    /// <summary>False when the caller is not a peer; it has then been told why.</summary>
    private bool Greet()
    {
        try
        {
            PeerSocket.Configure(socket, host.Options.PeerTimeoutMs);
            socket.SendTimeout = host.Options.HandshakeTimeoutMs;
            ReceiveHello();
            switch (_session.End)
            {
                case SessionEnd.None:
                    // Before the Welcome: if the same caller is welcomed twice, its second connection must win.
                    host.Identified(this, _session.Peer!);
                    SendAll(_session.Answer);
                    return true;
                case SessionEnd.RejectedHere:
                    Refuse();
                    return false;
                default:
                    UnknownPeerClosed(_session.EndReason);
                    return false;
            }
        }
        catch (Exception error) when (IsEndOfConnection(error))
        {
            _session.Close(error.Message);
            UnknownPeerClosed(error.Message);
            return false;
        }
    }

    /// <summary>Takes no longer than the time given, however slowly the bytes arrive.</summary>
    private void ReceiveHello()
    {
        long deadlineMs = host.Options.Time.NowMs() + host.Options.HandshakeTimeoutMs;
        while (_session.Phase == SessionPhase.Handshake)
        {
            long nowTickMs = host.Options.Time.NowMs();
            if (nowTickMs >= deadlineMs)
            {
                throw new SocketException((int)SocketError.TimedOut);
            }

            socket.ReceiveTimeout = (int)(deadlineMs - nowTickMs);
            int count = socket.Receive(_session.Free(), SocketFlags.None);
            if (count == 0)
            {
                throw new EndOfStreamException("the other side closed the connection during the handshake");
            }

            _session.Advance(count, nowTickMs);
        }

        socket.ReceiveTimeout = 0;
    }

    private void UnknownPeerClosed(string reason)
    {
        if (Volatile.Read(ref _isClosed) == 0 && host.Throttle.Allows($"unknown peer {reason}"))
        {
            TransportLog.UnknownPeerClosed(host.Logger, _remote, reason);
        }
    }

    private void Refuse()
    {
        if (host.Throttle.Allows($"inbound {_session.EndReason}"))
        {
            TransportLog.InboundRejected(host.Logger, _remote, _session.EndReason);
        }

        try
        {
            SendAll(_session.Answer);
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception error) when (IsEndOfConnection(error))
        {
            // The refused caller may already be gone; the reason is in this node's own log.
        }
    }

    /// <summary>Reads until the connection ends and returns the reason.</summary>
    private string Read(Peer peer)
    {
        try
        {
            while (true)
            {
                int count = socket.Receive(_session.Free(), SocketFlags.None);
                if (count == 0)
                {
                    return "the peer closed it";
                }

                _session.Advance(count, host.Options.Time.NowMs());
                if (_session.Phase == SessionPhase.Ended)
                {
                    return EndedBy(peer);
                }

                if (_session.DecodedFrames > 0)
                {
                    Deliver(peer);
                }
            }
        }
        catch (Exception error) when (IsEndOfConnection(error))
        {
            return Volatile.Read(ref _isClosed) == 0 ? error.Message : "this node closed it";
        }
        catch (Exception error)
        {
            TransportLog.HandlerFailed(host.Logger, peer.Id, _remote, error);
            return "its messages could not be handled";
        }
    }

    private string EndedBy(Peer peer)
    {
        if (_session.End == SessionEnd.RejectedByPeer)
        {
            return $"the peer refuses this node: {_session.EndReason}";
        }

        TransportLog.Malformed(host.Logger, peer.Id, _remote, _session.EndReason);
        return "it sent a malformed message";
    }

    private void Deliver(Peer peer)
    {
        if (!_isAnnounced)
        {
            Announce(peer);
        }

        if (_session.Reports is { } reports)
        {
            foreach (PeerReport report in reports)
            {
                host.Deliver(report);
            }
        }

        if (_session.Messages is { } messages)
        {
            host.Deliver(messages);
        }
    }

    private void SendAll(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[socket.Send(bytes, SocketFlags.None)..];
        }
    }

    private static bool IsEndOfConnection(Exception error) =>
        error is SocketException or ObjectDisposedException or EndOfStreamException;
}
