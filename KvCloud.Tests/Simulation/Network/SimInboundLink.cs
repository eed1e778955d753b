using KvCloud.Consensus;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Simulation;

/// <summary>An accepted connection of a simulated node: what <see cref="InboundConnection"/> is to a socket.</summary>
internal sealed class SimInboundLink : ISimSocketOwner
{
    private const int ReceiveBufferBytes = 4 * 1024;

    private readonly SimTransport _transport;
    private readonly SimByteNetwork _network;
    private readonly SimSocket _socket;
    private readonly InboundSession _session;

    public SimInboundLink(SimTransport transport, SimByteNetwork network, SimSocket socket)
    {
        _transport = transport;
        _network = network;
        _socket = socket;
        _session = new InboundSession(
            transport.Gate, transport.FindPeer, transport.Options.MaxFrameBytes, ReceiveBufferBytes);
    }

    /// <inheritdoc/>
    public bool IsPaused => _transport.IsPaused;

    public void Start()
    {
        _transport.Later(_transport.Options.HandshakeTimeoutMs * SimProfile.Millisecond, () =>
        {
            if (_session.Phase == SessionPhase.Handshake)
            {
                Close("the handshake timed out");
            }
        });
        _socket.Own(this);
    }

    public void Poll() => _socket.Poll();

    /// <inheritdoc/>
    public void OnReadable()
    {
        while (_socket.IsOpen && _socket.In.Readable > 0)
        {
            bool wasHandshake = _session.Phase == SessionPhase.Handshake;
            int count = _socket.Read(_session.Free());
            _session.Advance(count, _network.NowUs / SimProfile.Millisecond);
            if (_session.Phase == SessionPhase.Ended)
            {
                Answer();
                Close(_session.EndReason);
            }
            else if (wasHandshake && _session.Phase == SessionPhase.Established)
            {
                _transport.Identified(this, _session.Peer!);
                Answer();
            }
            else
            {
                Deliver();
            }
        }
    }

    /// <inheritdoc/>
    public void OnWritable()
    {
    }

    /// <inheritdoc/>
    public void OnClosed(string reason) => Close(reason);

    public void Close(string reason)
    {
        if (_transport.IsTracing)
        {
            _transport.Trace($"the connection from node-{_socket.Other.Host} ends: {reason}");
        }

        _session.Close(reason);
        _socket.Close();
        _transport.Ended(this);
    }

    public void Stop(Action<SimSocket> end)
    {
        _session.Close("the node stops");
        end(_socket);
        _transport.Ended(this);
    }

    private void Answer()
    {
        if (_session.Answer is byte[] answer)
        {
            int taken = _socket.Write(answer);
            Invariant.Check(taken == answer.Length || !_socket.IsOpen, "an empty send buffer has room for a handshake");
        }
    }

    private void Deliver()
    {
        if (_session.Reports is { } reports)
        {
            foreach (PeerReport report in reports)
            {
                _transport.Deliver(report);
            }
        }

        if (_session.Messages is { } messages && _socket.IsOpen)
        {
            _transport.Deliver(messages);
        }
    }
}
