using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>
/// The logic of one accepted connection, without the socket: bytes go in; the answer to the Hello, messages, reports
/// and the reason for the end come out. No thread, lock, socket or clock, so that the simulator runs this same code.
/// </summary>
/// <remarks>
/// The owner receives into <see cref="Free"/>, reports the number of bytes to <see cref="Advance"/>, then sends the
/// <see cref="Answer"/> when the phase has changed, and delivers <see cref="Reports"/> and <see cref="Messages"/>. One
/// thread at a time.
/// </remarks>
/// <param name="gate">Decides whether the caller is a peer.</param>
/// <param name="findPeer">The peer with this id, or null.</param>
/// <param name="maxFrameBytes">A frame that claims to be larger ends the session.</param>
/// <param name="receiveBufferBytes">Size of the buffer allocated once the caller is known.</param>
/// <param name="objection">
/// What speaks against a caller with this identity before the gate is asked, such as its certificate; null for nothing.
/// </param>
internal sealed class InboundSession(
    PeerGate gate,
    Func<int, Peer?> findPeer,
    int maxFrameBytes,
    int receiveBufferBytes = ReceiveBuffer.DefaultBytes,
    Func<PeerIdentity, string?>? objection = null)
{
    private HandshakeBuffer? _handshake = new();
    private ReceiveBuffer? _buffer;
    private byte _version;

    public SessionPhase Phase { get; private set; }

    /// <summary>The caller; null until its Hello was accepted.</summary>
    public Peer? Peer { get; private set; }

    /// <summary>
    /// The Welcome, or the Refusal after which the connection is closed; null until the Hello has arrived, and when the
    /// caller cannot be admitted at the moment.
    /// </summary>
    public byte[]? Answer { get; private set; }

    public SessionEnd End { get; private set; }

    /// <summary>What was wrong, or the reason given by the peer or the owner; empty before the end.</summary>
    public string EndReason { get; private set; } = "";

    /// <summary>Whole frames in the bytes received last.</summary>
    public int DecodedFrames { get; private set; }

    /// <summary>Messages in the bytes received last, which the receiver may keep; null for none.</summary>
    public List<Message>? Messages { get; private set; }

    /// <summary>Reports in the bytes received last; null for none.</summary>
    public List<PeerReport>? Reports { get; private set; }

    /// <summary>Where to receive into; never empty.</summary>
    public Span<byte> Free() => _buffer is null ? _handshake!.Free().Span : _buffer.Free();

    /// <summary>
    /// Handles bytes received into <see cref="Free"/>. If they end the session, nothing in the same bytes is delivered:
    /// a message may always be lost.
    /// </summary>
    /// <param name="nowTickMs">When the bytes were received, for <see cref="PeerLink.LastReceivedTickMs"/>.</param>
    public void Advance(int count, long nowTickMs)
    {
        Invariant.Check(Phase != SessionPhase.Ended, "an ended session receives nothing");
        DecodedFrames = 0;
        Messages = null;
        Reports = null;
        try
        {
            if (_buffer is not null)
            {
                TakeFrames(_buffer, count, nowTickMs);
            }
            else if (_handshake!.Advance(count))
            {
                TakeHello(_handshake.Frame);
            }
        }
        catch (MalformedFrameException error)
        {
            EndWith(SessionEnd.Malformed, error.Message);
        }
    }

    /// <summary>The connection is gone. Does nothing if the session has already ended.</summary>
    public void Close(string reason)
    {
        if (Phase != SessionPhase.Ended)
        {
            EndWith(SessionEnd.Closed, reason);
        }
    }

    private void TakeHello(ReadOnlySpan<byte> frame)
    {
        PeerIdentity? claimed = null;
        Hello hello;
        try
        {
            hello = Handshake.DecodeHello(frame, gate.Self.Release);
            claimed = hello.Identity;
            if (objection?.Invoke(claimed) is string reason)
            {
                throw new HandshakeRefusedException(reason);
            }

            gate.AdmitCaller(hello);
            Peer = findPeer(claimed.NodeId)
                ?? throw new HandshakeRefusedException($"node {claimed.NodeId} is not known here");
        }
        catch (HandshakeRefusedException refusal)
        {
            if (claimed is not null)
            {
                findPeer(claimed.NodeId)?.InboundRejected(refusal.Message);
            }

            if (refusal.IsTransient)
            {
                // Treated like a broken connection, so that the caller retries soon; after a Refusal its pauses would
                // grow.
                EndWith(SessionEnd.Closed, refusal.Message);
                return;
            }

            Answer = Handshake.EncodeRefusal(refusal.Message);
            EndWith(SessionEnd.RejectedHere, refusal.Message);
            return;
        }

        Peer.InboundAccepted(claimed);
        _version = hello.Version;
        Answer = Handshake.EncodeWelcome(gate.Self, hello.Form, hello.Version);
        Phase = SessionPhase.Established;
        _buffer = new ReceiveBuffer(receiveBufferBytes);
        _handshake = null;
    }

    private void TakeFrames(ReceiveBuffer buffer, int count, long nowTickMs)
    {
        buffer.Received(count);
        while (Phase == SessionPhase.Established)
        {
            ReadOnlySpan<byte> unread = buffer.Unread;
            int size = Frame.SizeOf(unread, _version, maxFrameBytes);
            if (size == 0 || size > unread.Length)
            {
                break;
            }

            TakeFrame(unread[..size]);
            buffer.Consume(size);
            DecodedFrames++;
        }

        if (Phase == SessionPhase.Established)
        {
            Peer!.Received(count, DecodedFrames, nowTickMs);
            if (DecodedFrames > 0)
            {
                Peer.LastInboundRefusal = null;
            }
        }
    }

    private void TakeFrame(ReadOnlySpan<byte> frame)
    {
        switch (Frame.TypeOf(frame))
        {
            case FrameType.Report:
                PeerReport report = ConsensusCodec.DecodeReport(frame);
                RequireSender(report.From);
                (Reports ??= []).Add(report);
                break;
            case FrameType.Refusal:
                string reason = Handshake.DecodeRefusal(frame);
                Peer!.InboundRejected(reason);
                Peer.LastInboundRefusal = reason;
                EndWith(SessionEnd.RejectedByPeer, reason);
                break;
            default:
                Message message = ConsensusCodec.DecodeMessage(frame);
                RequireSender(message.From);
                RequireReceiver(message.To);
                (Messages ??= []).Add(message);
                break;
        }
    }

    private void RequireSender(NodeId from)
    {
        if (from != Peer!.Id)
        {
            throw new MalformedFrameException($"{Peer.Id} speaks in the name of {from}");
        }
    }

    private void RequireReceiver(NodeId to)
    {
        if (to.Value != gate.Self.NodeId)
        {
            throw new MalformedFrameException($"a message is meant for {to}");
        }
    }

    private void EndWith(SessionEnd end, string reason)
    {
        if (Phase == SessionPhase.Established)
        {
            Peer!.InboundEnded();
        }

        Phase = SessionPhase.Ended;
        End = end;
        EndReason = reason;
        DecodedFrames = 0;
        Messages = null;
        Reports = null;
    }
}
