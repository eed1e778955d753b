using KvCloud.Consensus;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// A simulated node's way out to one peer: what <see cref="PeerConnector"/> and <see cref="PeerSender"/> are to a
/// socket.
/// </summary>
internal sealed class SimOutboundLink : ISimSocketOwner
{
    private const int ChunkBytes = 4 * 1024;

    private readonly SimTransport _transport;
    private readonly SimByteNetwork _network;
    private readonly ReconnectBackoff _backoff;
    private SimSocket? _socket;
    private OutboundSession? _session;
    private long _establishedUs;
    private int _attempt;
    private bool _isWaiting;
    private bool _isPeerUp;

    public SimOutboundLink(SimTransport transport, SimByteNetwork network, Peer peer)
    {
        _transport = transport;
        _network = network;
        _backoff = new ReconnectBackoff(transport.Options);
        Peer = peer;
    }

    public Peer Peer { get; }

    /// <inheritdoc/>
    public bool IsPaused => _transport.IsPaused;

    public void Connect()
    {
        _isWaiting = false;
        int attempt = ++_attempt;
        Peer.Resolving($"sim:{Peer.Id.Value}");
        bool IsCurrent() => attempt == _attempt && _transport.IsRunning;
        bool IsWanted() => IsCurrent() && _socket is null;
        void Done(SimSocket? socket, string error)
        {
            if (!IsWanted())
            {
                socket?.Reset();
            }
            else if (socket is null)
            {
                _transport.Later(0, () => EndIf(IsCurrent(), error));
            }
            else
            {
                Greet(socket, attempt);
            }
        }

        TransportOptions options = _transport.Options;
        _network.Connect(_transport.Self.NodeId, Peer.Id.Value, options.PeerTimeoutMs, IsWanted, Done);
        _transport.Later(options.ConnectTimeoutMs * SimProfile.Millisecond, () => EndIf(IsWanted(), "timed out"));
    }

    /// <summary>
    /// The peer has just connected to this node, so there is no sense in waiting longer before it is tried.
    /// </summary>
    public void PeerIsUp()
    {
        if (Peer.IsConnected)
        {
            return;
        }

        _isPeerUp = true;
        if (_isWaiting)
        {
            Wake(_attempt);
        }
    }

    public void Send(Message message)
    {
        DeterministicRandom random = _network.Random;
        if (random.Chance(_network.LossPerMille))
        {
            Peer.Dropped(1);
            return;
        }

        if (random.Chance(_network.ReorderPerMille))
        {
            EnqueueLater(message);
        }
        else
        {
            Enqueue(message);
        }

        // A forwarded write counts on its connection: TCP delivers no bytes twice. Consensus itself bears any
        // repetition.
        if (message is not Forward && random.Chance(_network.DuplicatePerMille))
        {
            EnqueueLater(message);
        }
    }

    public void Send(PeerReport report)
    {
        if (_session is { IsOutdated: true })
        {
            End("the peer is of a newer release now");
        }

        if (_session is { Phase: SessionPhase.Established } session)
        {
            session.Enqueue(report);
        }
        else
        {
            Peer.Dropped(1);
        }
    }

    public void Flush()
    {
        while (_session is { QueuedBytes: > 0 } session && !IsPaused)
        {
            int sent = _socket!.Write(session.Peek());
            if (sent == 0)
            {
                return;
            }

            session.Consume(sent);
        }
    }

    public void Poll()
    {
        _socket?.Poll();
        Flush();
    }

    public void Stop(Action<SimSocket> end)
    {
        _attempt++;
        _session?.Close("the node stops");
        if (_socket is not null)
        {
            end(_socket);
        }

        _session = null;
        _socket = null;
    }

    /// <inheritdoc/>
    public void OnReadable()
    {
        while (_socket is { IsOpen: true, In.Readable: > 0 } socket && _session is { } session)
        {
            session.Advance(socket.Read(session.Free().Span));
            if (session.Phase == SessionPhase.Ended)
            {
                if (session.Answer is byte[] answer)
                {
                    socket.Write(answer);
                }

                End(session.EndReason);
            }
            else if (session.Phase == SessionPhase.Established)
            {
                _establishedUs = _network.NowUs;
                if (_transport.IsTracing)
                {
                    _transport.Trace($"is connected to {Peer.Id}");
                }
            }
        }
    }

    /// <inheritdoc/>
    public void OnWritable() => Flush();

    /// <inheritdoc/>
    public void OnClosed(string reason) => End(reason);

    private void Greet(SimSocket socket, int attempt)
    {
        _socket = socket;
        _session = new OutboundSession(
            _transport.Gate, Peer, _transport.Options, _backoff.GreetsInSingleForm, ChunkBytes);
        int taken = socket.Write(_session.Hello);
        Invariant.Check(
            taken == _session.Hello.Length || socket.HasFailed, "an empty send buffer has room for a handshake");
        socket.Own(this);
        _transport.Later(
            _transport.Options.HandshakeTimeoutMs * SimProfile.Millisecond,
            () => EndIf(
                attempt == _attempt && _session is { Phase: SessionPhase.Handshake }, "the handshake timed out"));
    }

    private void EndIf(bool condition, string reason)
    {
        if (condition)
        {
            End(reason);
        }
    }

    /// <summary>This attempt is over; the next one begins after the pause that production makes.</summary>
    private void End(string reason)
    {
        ConnectOutcome outcome = ConnectOutcome.Failed;
        if (_session is { } session)
        {
            session.Close(reason);
            if (session.MustGreetInSingleForm)
            {
                outcome = ConnectOutcome.GreetAnew;
            }
            else if (session.End is SessionEnd.RejectedHere or SessionEnd.RejectedByPeer)
            {
                outcome = ConnectOutcome.Refused;
            }
            else if (_establishedUs > 0)
            {
                outcome = _backoff.OutcomeOf((_network.NowUs - _establishedUs) / SimProfile.Millisecond);
            }
        }

        _socket?.Close();
        _socket = null;
        _session = null;
        _establishedUs = 0;
        if (_transport.IsTracing)
        {
            _transport.Trace($"has no connection to {Peer.Id} ({outcome}): {reason}");
        }

        int attempt = ++_attempt;
        double pauseMs = _backoff.NextPauseMs(outcome, _network.Random.Next(1_000) / 1_000.0);
        _isWaiting = true;
        if (_isPeerUp)
        {
            pauseMs = 0;
        }

        _transport.Later((long)(pauseMs * SimProfile.Millisecond), () => Wake(attempt));
    }

    private void Wake(int attempt)
    {
        if (_isWaiting && attempt == _attempt)
        {
            _isPeerUp = false;
            Connect();
        }
    }

    private void EnqueueLater(Message message)
    {
        OutboundSession? session = _session;
        _transport.Later(_network.Random.Next(_network.MaxReorderUs), () =>
        {
            // What was meant for a connection is lost with it.
            if (session is null || session != _session)
            {
                Peer.Dropped(1);
                return;
            }

            Enqueue(message);
            Flush();
        });
    }

    private void Enqueue(Message message)
    {
        if (_session is { Phase: SessionPhase.Established } session)
        {
            session.Enqueue(message);
        }
        else
        {
            Peer.Dropped(1);
        }
    }
}
