using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>The result of queueing a message.</summary>
internal enum EnqueueResult
{
    Queued = 0,

    /// <summary>The queue is full, or there is no connection.</summary>
    Dropped = 1,

    /// <summary>The message exceeds the largest frame and cannot be split: dropped too.</summary>
    TooLarge = 2,
}

/// <summary>
/// The logic of one connection to a peer, without the socket: the Hello goes out and its answer comes in, then encoded
/// frames are queued within limits, in the order in which they are to be sent. No thread, lock, socket or clock, so
/// that the simulator runs this same code.
/// </summary>
/// <remarks>
/// The owner sends the <see cref="Hello"/>, receives into <see cref="Free"/>, reports the number of bytes to
/// <see cref="Advance"/>, sends the <see cref="Answer"/> if there is one, and then sends what <see cref="Peek"/>
/// returns. One thread at a time: the owner locks once frames are queued.
/// </remarks>
internal sealed class OutboundSession(
    PeerGate gate,
    Peer peer,
    TransportOptions options,
    bool greetsInSingleForm = false,
    int chunkBytes = OutgoingBuffer.DefaultChunkBytes)
{
    /// <summary>
    /// Control frames overtake bulk frames only when more than this is queued; for less, a separate send is not
    /// worthwhile.
    /// </summary>
    private const int OvertakeBytes = 64 * 1024;

    /// <summary>A larger frame counts as bulk, whatever its type.</summary>
    private const int MaxControlFrameBytes = 64 * 1024;

    /// <summary>Once established, nothing arrives on this connection except its end.</summary>
    public const string PeerSpoke = "the peer sent data on a one-way connection";

    private readonly OutgoingBuffer _bulk = new(chunkBytes);
    private readonly OutgoingBuffer _control = new(chunkBytes);
    private readonly ushort _form = gate.Self.Release.MaxWire == Handshake.SingleForm || greetsInSingleForm
        ? Handshake.SingleForm
        : Handshake.RangeForm;
    private HandshakeBuffer? _handshake = new();
    private byte[]? _hello;
    private bool _isControlNext;
    private byte _version;

    public Peer Peer { get; } = peer;

    public SessionPhase Phase { get; private set; }

    /// <summary>The first frame to send.</summary>
    public byte[] Hello => _hello ??= Handshake.EncodeHello(gate.Self, Peer.Id.Value, _form);

    /// <summary>
    /// The peer is of the release that knows only the first form of a Hello. The next session greets in that form, and
    /// may be made at once.
    /// </summary>
    public bool MustGreetInSingleForm { get; private set; }

    /// <summary>
    /// The peer has been replaced by a newer release since this session greeted it: a new session would agree on a
    /// newer version.
    /// </summary>
    public bool IsOutdated => Phase == SessionPhase.Established && Peer.InboundRelease is PeerRelease release
        && gate.Self.Release.CommonWire(release) > _version;

    /// <summary>A Refusal to be sent before the connection is closed; null unless this node refuses the peer.</summary>
    public byte[]? Answer { get; private set; }

    public SessionEnd End { get; private set; }

    /// <summary>What was wrong, or the reason given by the peer or the owner; empty before the end.</summary>
    public string EndReason { get; private set; } = "";

    /// <summary>Bytes that wait to be sent.</summary>
    public long QueuedBytes => _bulk.Bytes + _control.Bytes;

    /// <summary>Where to receive the answer, and afterwards any bytes, which would be an error.</summary>
    public Memory<byte> Free() => _handshake?.Free() ?? new byte[1];

    /// <summary>Handles bytes received into <see cref="Free"/>.</summary>
    public void Advance(int count)
    {
        Invariant.Check(Phase != SessionPhase.Ended, "an ended session receives nothing");
        if (_handshake is null)
        {
            EndWith(SessionEnd.Closed, PeerSpoke);
            return;
        }

        try
        {
            if (_handshake.Advance(count))
            {
                TakeAnswer(_handshake.Frame);
            }
        }
        catch (MalformedFrameException error)
        {
            EndWith(SessionEnd.Malformed, error.Message);
        }
    }

    /// <summary>
    /// Queues a message, split into several frames if it is too large for one. Without room it is dropped and counted.
    /// </summary>
    public EnqueueResult Enqueue(Message message)
    {
        long size = ConsensusCodec.SizeOf(message, _version);
        if (size > options.MaxFrameBytes)
        {
            return EnqueueInParts(message);
        }

        bool isBulk = message is Accept or CatchUpReply or Forward or SnapshotReply || size > MaxControlFrameBytes;
        if (HasRoom((int)size, isBulk) is OutgoingBuffer buffer)
        {
            ConsensusCodec.Encode(message, buffer.Append((int)size), _version);
            return EnqueueResult.Queued;
        }

        Peer.Dropped(1);
        return EnqueueResult.Dropped;
    }

    /// <inheritdoc cref="Enqueue(Message)"/>
    public EnqueueResult Enqueue(PeerReport report)
    {
        int size = ConsensusCodec.SizeOf(report, _version);
        if (HasRoom(size, isBulk: false) is OutgoingBuffer buffer)
        {
            ConsensusCodec.Encode(report, buffer.Append(size), _version);
            return EnqueueResult.Queued;
        }

        Peer.Dropped(1);
        return EnqueueResult.Dropped;
    }

    /// <summary>
    /// The bytes to send next; empty if nothing is queued. A partly sent frame is finished first; then control frames
    /// overtake bulk.
    /// </summary>
    public ReadOnlySpan<byte> Peek()
    {
        _isControlNext = _control.Bytes > 0 && _bulk.StartedFrameBytes == 0;
        return _isControlNext
            ? _control.Peek(startedFrameOnly: false)
            : _bulk.Peek(startedFrameOnly: _control.Bytes > 0);
    }

    /// <summary>Removes bytes of the last <see cref="Peek"/> that have been sent.</summary>
    public void Consume(int count)
    {
        int finished = (_isControlNext ? _control : _bulk).Consume(count);
        Peer.Sent(count, finished);
    }

    /// <summary>
    /// The connection is gone, and so are the queued frames, which may be stale by the next connection. Does nothing if
    /// the session has already ended.
    /// </summary>
    public void Close(string reason)
    {
        if (Phase != SessionPhase.Ended)
        {
            EndWith(SessionEnd.Closed, reason);
        }
    }

    private void TakeAnswer(ReadOnlySpan<byte> frame)
    {
        Welcome welcome;
        try
        {
            welcome = Handshake.DecodeAnswer(frame, _form, gate.Self.Release);
        }
        catch (HandshakeRefusedException refusal)
        {
            if (_form == Handshake.RangeForm && Handshake.IsRefusalOfRange(refusal.Message))
            {
                MustGreetInSingleForm = true;
                EndWith(SessionEnd.Closed, "the peer is of a former release, and is greeted anew as that one does");
                return;
            }

            Reject(SessionEnd.RejectedByPeer, refusal.Message);
            gate.RefusedBy(Peer.Id.Value, refusal.Message);
            return;
        }

        try
        {
            gate.AdmitAnswerer(welcome.Identity, Peer.Id.Value);
        }
        catch (HandshakeRefusedException refusal) when (refusal.IsTransient)
        {
            // Treated like a broken connection: it is retried soon.
            Reject(SessionEnd.Closed, refusal.Message);
            return;
        }
        catch (HandshakeRefusedException refusal)
        {
            // Encoded in the version of messages, which the other side expects after its Welcome.
            Answer = Handshake.EncodeRefusal(refusal.Message, welcome.Version);
            Reject(SessionEnd.RejectedHere, refusal.Message);
            return;
        }

        _handshake = null;
        _version = welcome.Version;
        Phase = SessionPhase.Established;
        Peer.OutboundAccepted(welcome.Identity, welcome.Version);
    }

    private void Reject(SessionEnd end, string reason)
    {
        Peer.OutboundRejected(reason);
        EndWith(end, reason);
    }

    /// <summary>The buffer that can take a frame of this size now; null if the frame must be dropped.</summary>
    private OutgoingBuffer? HasRoom(int size, bool isBulk)
    {
        if (Phase != SessionPhase.Established)
        {
            return null;
        }

        if (isBulk)
        {
            return _bulk.Bytes + size <= options.MaxQueuedBulkBytes ? _bulk : null;
        }

        if (_control.Bytes == 0 && _bulk.Bytes <= OvertakeBytes)
        {
            return _bulk;
        }

        return _control.Bytes + size <= options.MaxQueuedControlBytes ? _control : null;
    }

    /// <summary>The entries of an Accept are independent, so it may be split. No other message may.</summary>
    private EnqueueResult EnqueueInParts(Message message)
    {
        if (message is not Accept { Entries.Count: > 1 } accept)
        {
            Peer.Dropped(1);
            return EnqueueResult.TooLarge;
        }

        int half = accept.Entries.Count / 2;
        Accept first = accept with { Entries = accept.Entries.Take(half).ToArray() };
        Accept second = accept with { Entries = accept.Entries.Skip(half).ToArray() };
        EnqueueResult one = Enqueue(first);
        EnqueueResult other = Enqueue(second);
        return one > other ? one : other;
    }

    private void EndWith(SessionEnd end, string reason)
    {
        bool wasEstablished = Phase == SessionPhase.Established;
        Phase = SessionPhase.Ended;
        End = end;
        EndReason = reason;
        if (wasEstablished)
        {
            Peer.OutboundEnded();
            Peer.Dropped(_bulk.Clear() + _control.Clear());
        }
    }
}
