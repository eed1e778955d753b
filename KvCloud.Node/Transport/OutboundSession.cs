using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>What became of a message that was to be queued.</summary>
internal enum EnqueueResult
{
    Queued = 0,

    /// <summary>The queue is full, or there is no connection.</summary>
    Dropped = 1,

    /// <summary>It exceeds the largest frame and cannot be sent in parts: dropped too.</summary>
    TooLarge = 2,
}

/// <summary>
/// What one connection to a peer decides, without the socket: Hello out, answer in, then a queue of encoded frames with
/// its limits, in the order in which they are to be sent. No thread, lock, socket or clock, so that the simulator runs
/// this very code.
/// </summary>
/// <remarks>
/// The owner sends the <see cref="Hello"/>, receives into <see cref="Free"/> and says how much by
/// <see cref="Advance"/>, sends the <see cref="Answer"/> if there is one, and from then on sends what
/// <see cref="Peek"/> gives. One thread at a time: from the moment that frames are queued the owner locks.
/// </remarks>
internal sealed class OutboundSession(
    PeerGate gate, Peer peer, TransportOptions options, int chunkBytes = OutgoingBuffer.DefaultChunkBytes)
{
    /// <summary>
    /// Control frames pass in front of bulk only when more than this waits; less is not worth a send of its own.
    /// </summary>
    private const int OvertakeBytes = 64 * 1024;

    /// <summary>A larger frame is bulk whatever its type.</summary>
    private const int MaxControlFrameBytes = 64 * 1024;

    /// <summary>Nothing ever arrives on this connection, once it is established, but its end.</summary>
    public const string PeerSpoke = "the peer spoke where only we speak";

    private readonly OutgoingBuffer _bulk = new(chunkBytes);
    private readonly OutgoingBuffer _control = new(chunkBytes);
    private HandshakeBuffer? _handshake = new();
    private bool _isControlNext;

    public Peer Peer { get; } = peer;

    public SessionPhase Phase { get; private set; }

    /// <summary>Sent first.</summary>
    public byte[] Hello { get; } = Handshake.EncodeHello(gate.Self, peer.Id.Value);

    /// <summary>A Refusal to be sent before the connection is closed; null unless this node refuses the peer.</summary>
    public byte[]? Answer { get; private set; }

    public SessionEnd End { get; private set; }

    /// <summary>What was wrong, or the reason that the peer or the owner gave; empty before the end.</summary>
    public string EndReason { get; private set; } = "";

    /// <summary>Bytes that wait to be sent.</summary>
    public long QueuedBytes => _bulk.Bytes + _control.Bytes;

    /// <summary>Where to receive the answer into, and, once it is there, what must not come any more.</summary>
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
    /// Queues a message, or parts of it where it is too large for one frame; what finds no room is dropped and counted.
    /// </summary>
    /// <param name="size">As <see cref="ConsensusCodec.SizeOf(Message)"/> says.</param>
    public EnqueueResult Enqueue(Message message, long size)
    {
        if (size > options.MaxFrameBytes)
        {
            return EnqueueInParts(message);
        }

        bool isBulk = message is Accept or CatchUpReply or Forward || size > MaxControlFrameBytes;
        if (HasRoom((int)size, isBulk) is OutgoingBuffer buffer)
        {
            ConsensusCodec.Encode(message, buffer.Append((int)size));
            return EnqueueResult.Queued;
        }

        Peer.Dropped(1);
        return EnqueueResult.Dropped;
    }

    /// <inheritdoc cref="Enqueue(Message, long)"/>
    public EnqueueResult Enqueue(PeerReport report)
    {
        int size = ConsensusCodec.SizeOf(report);
        if (HasRoom(size, isBulk: false) is OutgoingBuffer buffer)
        {
            ConsensusCodec.Encode(report, buffer.Append(size));
            return EnqueueResult.Queued;
        }

        Peer.Dropped(1);
        return EnqueueResult.Dropped;
    }

    /// <summary>
    /// What to send next; empty if nothing waits. A frame that was sent in part is finished first; then control
    /// frames pass in front of bulk.
    /// </summary>
    public ReadOnlySpan<byte> Peek()
    {
        _isControlNext = _control.Bytes > 0 && _bulk.StartedFrameBytes == 0;
        return _isControlNext
            ? _control.Peek(startedFrameOnly: false)
            : _bulk.Peek(startedFrameOnly: _control.Bytes > 0);
    }

    /// <summary>The first bytes of what <see cref="Peek"/> gave last are sent.</summary>
    public void Consume(int count)
    {
        int finished = (_isControlNext ? _control : _bulk).Consume(count);
        Peer.Sent(count, finished);
    }

    /// <summary>
    /// The connection is gone, and with it what still waits, for it may be stale when the next one is made. Does
    /// nothing when the session has ended before.
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
        PeerIdentity identity;
        try
        {
            identity = Handshake.DecodeAnswer(frame);
        }
        catch (HandshakeRefusedException refusal)
        {
            Reject(SessionEnd.RejectedByPeer, refusal.Message);
            gate.RefusedBy(refusal.Message);
            return;
        }

        try
        {
            gate.AdmitAnswerer(identity, Peer.Id.Value);
        }
        catch (HandshakeRefusedException refusal) when (refusal.IsTransient)
        {
            // As a connection that broke: it is tried again soon.
            Reject(SessionEnd.Closed, refusal.Message);
            return;
        }
        catch (HandshakeRefusedException refusal)
        {
            // Told in the version of messages, for that is what the other side reads after its Welcome.
            Answer = Handshake.EncodeRefusal(refusal.Message, ConsensusCodec.Version);
            Reject(SessionEnd.RejectedHere, refusal.Message);
            return;
        }

        _handshake = null;
        Phase = SessionPhase.Established;
        Peer.OutboundAccepted(identity);
    }

    private void Reject(SessionEnd end, string reason)
    {
        Peer.OutboundRejected(reason);
        EndWith(end, reason);
    }

    /// <summary>The buffer that takes a frame of this size now; null if it must be dropped.</summary>
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

    /// <summary>An Accept is about each of its entries alone, so it may travel in parts. Nothing else may.</summary>
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
        EnqueueResult one = Enqueue(first, ConsensusCodec.SizeOf(first));
        EnqueueResult other = Enqueue(second, ConsensusCodec.SizeOf(second));
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
