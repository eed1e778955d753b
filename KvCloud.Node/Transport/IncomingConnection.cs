using System.Net.Sockets;
using KvCloud.Consensus;
using Microsoft.Extensions.Logging;

namespace KvCloud.Node.Transport;

/// <summary>What the connections that were accepted need of the transport.</summary>
internal interface IIncomingHost
{
    PeerGate Gate { get; }

    TransportOptions Options { get; }

    ILogger Logger { get; }

    LogThrottle Throttle { get; }

    /// <summary>The peer of this id, null if there is none.</summary>
    Peer? FindPeer(int nodeId);

    /// <summary>
    /// The caller is a peer: sets <see cref="IncomingConnection.Peer"/> and closes an older connection of it.
    /// </summary>
    void Identified(IncomingConnection connection, Peer peer);

    void Ended(IncomingConnection connection);

    void Deliver(IReadOnlyList<Message> messages);

    void Deliver(PeerReport report);
}

/// <summary>
/// A connection that a peer, or a stranger, made to this node, read by a thread of its own with plain blocking
/// receives. Measured on 2 cores against asynchronous receives: 15 instead of 25 microseconds of processor time for a
/// lone message, the same for bulk (the detour over the poll thread and the pool is what it saves). Messages also
/// arrive when the thread pool is starved. There are never more than a handful of these threads.
/// </summary>
/// <param name="number">Rises with each that was accepted.</param>
internal sealed class IncomingConnection(Socket socket, IIncomingHost host, long number)
{
    private readonly string _remote = PeerSocket.Describe(socket.RemoteEndPoint);
    private int _isClosed;
    private bool _isAnnounced;

    /// <summary>Null until the handshake succeeded. Set by the host, which locks its table for it.</summary>
    public Peer? Peer { get; set; }

    public long Number => number;

    public bool IsClosed => Volatile.Read(ref _isClosed) != 0;

    public void Close()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0)
        {
            // This also ends a receive that another thread is blocked in.
            socket.Dispose();
        }
    }

    /// <summary>Body of the connection's thread.</summary>
    public void Run()
    {
        string reason;
        try
        {
            if (Greet() is not Peer peer)
            {
                return;
            }

            // Who refused this node last time will do so again, and is not worth two lines each time.
            if (peer.LastCallRefusal is not string before || host.Throttle.Allows($"called again {peer.Id} {before}"))
            {
                Announce(peer);
            }

            try
            {
                reason = Read(peer);
            }
            finally
            {
                peer.CallEnded();
            }

            if (_isAnnounced)
            {
                TransportLog.CallEnded(host.Logger, peer.Id, _remote, reason);
            }
        }
        finally
        {
            Close();
            host.Ended(this);
        }
    }

    private void Announce(Peer peer)
    {
        _isAnnounced = true;
        TransportLog.Called(host.Logger, peer.Id, _remote);
    }

    /// <summary>The peer that called; null when it was no peer, and then it has been told why.</summary>
    private Peer? Greet()
    {
        PeerIdentity? claimed = null;
        try
        {
            PeerSocket.Configure(socket, host.Options.PeerTimeoutMs);
            socket.SendTimeout = host.Options.HandshakeTimeoutMs;
            Hello hello = Handshake.DecodeHello(PeerSocket.ReceiveHandshake(socket, host.Options.HandshakeTimeoutMs));
            claimed = hello.Identity;
            host.Gate.AdmitCaller(hello);
            Peer peer = host.FindPeer(claimed.NodeId)
                ?? throw new HandshakeRefusedException($"node {claimed.NodeId} is not known here");
            peer.Called(claimed);
            try
            {
                // Before it is welcomed: a caller that was welcomed twice has its second connection, not its first.
                host.Identified(this, peer);
                SendAll(Handshake.EncodeWelcome(host.Gate.Self));
            }
            catch
            {
                peer.CallEnded();
                throw;
            }

            return peer;
        }
        catch (HandshakeRefusedException refusal)
        {
            Refuse(claimed, refusal.Message);
        }
        catch (Exception error) when (IsEndOfConnection(error) || error is MalformedFrameException)
        {
            if (Volatile.Read(ref _isClosed) == 0 && host.Throttle.Allows($"stranger {error.Message}"))
            {
                TransportLog.StrangerClosed(host.Logger, _remote, error.Message);
            }
        }

        return null;
    }

    private void Refuse(PeerIdentity? claimed, string reason)
    {
        if (claimed is not null)
        {
            host.FindPeer(claimed.NodeId)?.RefusedWhenCalled(reason);
        }

        if (host.Throttle.Allows($"called {reason}"))
        {
            TransportLog.RefusedWhenCalled(host.Logger, _remote, reason);
        }

        try
        {
            SendAll(Handshake.EncodeRefusal(reason));
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception error) when (IsEndOfConnection(error))
        {
            // Whom we refuse need not listen to why; our own log has it.
        }
    }

    /// <summary>Reads until the connection ends and says why it did.</summary>
    private string Read(Peer peer)
    {
        var buffer = new ReceiveBuffer();
        try
        {
            while (true)
            {
                int count = socket.Receive(buffer.Free(), SocketFlags.None);
                if (count == 0)
                {
                    return "the peer closed it";
                }

                buffer.Received(count);
                List<Message>? messages = null;
                int decoded = Decode(buffer, peer, ref messages);
                peer.Received(count, decoded);
                if (decoded > 0)
                {
                    peer.LastCallRefusal = null;
                    if (!_isAnnounced)
                    {
                        Announce(peer);
                    }
                }

                if (messages is not null)
                {
                    host.Deliver(messages);
                }
            }
        }
        catch (HandshakeRefusedException refusal)
        {
            peer.RefusedWhenCalled(refusal.Message);
            peer.LastCallRefusal = refusal.Message;
            return $"the peer refuses this node: {refusal.Message}";
        }
        catch (MalformedFrameException error)
        {
            TransportLog.Malformed(host.Logger, peer.Id, _remote, error.Message);
            return "what it sent is no message";
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

    /// <summary>Takes all whole frames out of the buffer. Returns how many.</summary>
    private int Decode(ReceiveBuffer buffer, Peer peer, ref List<Message>? messages)
    {
        int decoded = 0;
        while (true)
        {
            ReadOnlySpan<byte> unread = buffer.Unread;
            int size = Frame.SizeOf(unread, ConsensusCodec.Version, host.Options.MaxFrameBytes);
            if (size == 0 || size > unread.Length)
            {
                return decoded;
            }

            ReadOnlySpan<byte> frame = unread[..size];
            switch (Frame.TypeOf(frame))
            {
                case FrameType.Report:
                    PeerReport report = ConsensusCodec.DecodeReport(frame);
                    RequireSender(peer, report.From);
                    host.Deliver(report);
                    break;
                case FrameType.Refusal:
                    throw new HandshakeRefusedException(Handshake.DecodeRefusal(frame));
                default:
                    Message message = ConsensusCodec.DecodeMessage(frame);
                    RequireSender(peer, message.From);
                    RequireReceiver(message.To);
                    (messages ??= []).Add(message);
                    break;
            }

            buffer.Consume(size);
            decoded++;
        }
    }

    private static void RequireSender(Peer peer, NodeId from)
    {
        if (from != peer.Id)
        {
            throw new MalformedFrameException($"{peer.Id} speaks in the name of {from}");
        }
    }

    private void RequireReceiver(NodeId to)
    {
        if (to.Value != host.Gate.Self.NodeId)
        {
            throw new MalformedFrameException($"a message is meant for {to}");
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
