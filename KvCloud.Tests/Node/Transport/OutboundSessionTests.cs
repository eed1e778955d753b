using KvCloud.Consensus;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Transport;

/// <summary>
/// What a connection to a peer makes of its answer, and in which order and up to which limits frames leave.
/// </summary>
public sealed class OutboundSessionTests
{
    private static readonly NodeId One = new(1);
    private static readonly NodeId Two = new(2);

    private static readonly TransportOptions Small = new()
    {
        MaxFrameBytes = 64 * 1024,
        MaxQueuedBulkBytes = 256 * 1024,
        MaxQueuedControlBytes = 64 * 1024,
    };

    private readonly Peer _peer = new(Two);

    [Fact]
    public void OutboundSession_welcome_byte_at_a_time_establishes_with_the_last()
    {
        OutboundSession session = Make();
        Assert.Equal(TestNode.Identity(1), Handshake.DecodeHello(session.Hello, PeerRelease.Plain).Identity);
        foreach (byte one in Handshake.EncodeWelcome(TestNode.Identity(2)))
        {
            Assert.Equal(SessionPhase.Handshake, session.Phase);
            Assert.False(_peer.IsConnected);
            Feed(session, [one]);
        }

        Assert.Equal(SessionPhase.Established, session.Phase);
        Assert.True(_peer.IsConnected);
        Assert.Null(session.Answer);
    }

    [Theory]
    [InlineData(0x01)]
    [InlineData(0x80)]
    [InlineData(0xFF)]
    public void OutboundSession_welcome_with_a_flipped_byte_at_any_position_establishes_nothing(byte mask)
    {
        byte[] welcome = Handshake.EncodeWelcome(TestNode.Identity(2));
        for (int at = 0; at < welcome.Length; at++)
        {
            OutboundSession session = Make();
            byte[] flipped = [.. welcome];
            flipped[at] ^= mask;
            Feed(session, flipped);

            Assert.NotEqual(SessionPhase.Established, session.Phase);
        }

        Assert.False(_peer.IsConnected);
        Assert.Null(_peer.Identity);
    }

    [Fact]
    public void OutboundSession_welcome_truncated_at_any_position_establishes_nothing()
    {
        byte[] welcome = Handshake.EncodeWelcome(TestNode.Identity(2));
        for (int length = 0; length < welcome.Length; length++)
        {
            OutboundSession session = Make();
            Feed(session, welcome.AsSpan(0, length));
            Assert.Equal(SessionPhase.Handshake, session.Phase);
            session.Close("reset");
        }

        Assert.Equal(0, _peer.ToState().LossEpoch);
    }

    [Fact]
    public void OutboundSession_welcome_counts_as_first_contact_and_a_refusal_does_not()
    {
        var bootstrap = new Bootstrap([2, 3], isFormed: false, () => { });
        Feed(Make(bootstrap: bootstrap), Handshake.EncodeRefusal("node 1 has lost its data directory"));
        Assert.Equal([2, 3], bootstrap.NotMet);

        Feed(Make(bootstrap: bootstrap), Handshake.EncodeWelcome(TestNode.Identity(2)));
        Assert.Equal([3], bootstrap.NotMet);
    }

    [Fact]
    public void OutboundSession_welcome_of_the_last_voter_that_cannot_be_noted_ends_as_one_to_try_again_soon()
    {
        var bootstrap = new Bootstrap([2], isFormed: false, () => throw new IOException("the disk is full"));
        OutboundSession session = Make(bootstrap: bootstrap);

        Feed(session, Handshake.EncodeWelcome(TestNode.Identity(2)));

        Assert.Equal(SessionEnd.Closed, session.End);
        Assert.Contains("the disk is full", session.EndReason, StringComparison.Ordinal);
        Assert.False(bootstrap.IsFormed);
    }

    [Fact]
    public void OutboundSession_refusal_of_the_peer_ends_the_session_with_its_reason()
    {
        OutboundSession session = Make();
        Feed(session, Handshake.EncodeRefusal("node 1 has lost its data directory"));

        Assert.Equal(SessionEnd.RejectedByPeer, session.End);
        Assert.Equal("node 1 has lost its data directory", session.EndReason);
        Assert.Equal("node 1 has lost its data directory", _peer.ToLink().RefusedReason);
        Assert.Null(session.Answer);
    }

    [Fact]
    public void OutboundSession_welcome_of_another_incarnation_is_refused_in_the_version_of_messages()
    {
        var remembered = new IncarnationMemory();
        remembered.TryAdmit(2, 0xDEAD);
        OutboundSession session = Make(remembered);
        Feed(session, Handshake.EncodeWelcome(TestNode.Identity(2)));

        Assert.Equal(SessionEnd.RejectedHere, session.End);
        Assert.Contains("it has lost its data directory", session.EndReason, StringComparison.Ordinal);
        Assert.Equal(session.EndReason, Handshake.DecodeRefusal(session.Answer));
        Assert.Equal(ConsensusCodec.Version, session.Answer![1]);
        Assert.False(_peer.IsConnected);
    }

    [Fact]
    public void OutboundSession_welcome_of_another_node_is_refused_by_name()
    {
        OutboundSession session = Make();
        Feed(session, Handshake.EncodeWelcome(TestNode.Identity(3)));

        Assert.Equal("node 3 answers at the endpoint of node 2", session.EndReason);
    }

    [Fact]
    public void OutboundSession_peer_that_speaks_after_its_welcome_ends_the_session()
    {
        OutboundSession session = Greeted();
        Feed(session, [0]);

        Assert.Equal(SessionEnd.Closed, session.End);
        Assert.Equal(OutboundSession.PeerSpoke, session.EndReason);
        Assert.Equal(1, _peer.ToState().LossEpoch);
    }

    [Fact]
    public void Enqueue_before_the_welcome_and_after_the_end_drops_and_raises_the_loss_epoch()
    {
        OutboundSession session = Make();
        Assert.Equal(EnqueueResult.Dropped, Enqueue(session, Control(1)));
        Feed(session, Handshake.EncodeWelcome(TestNode.Identity(2)));
        session.Close("reset");
        Assert.Equal(EnqueueResult.Dropped, Enqueue(session, Control(2)));

        Assert.Equal(2, _peer.DroppedMessages);
        Assert.Equal(3, _peer.ToState().LossEpoch);
        Assert.Equal(0, session.QueuedBytes);
    }

    [Fact]
    public void Enqueue_control_passes_in_front_of_waiting_bulk_after_the_frame_that_was_begun()
    {
        OutboundSession session = Greeted();
        for (int slot = 1; slot <= 4; slot++)
        {
            Assert.Equal(EnqueueResult.Queued, Enqueue(session, Bulk(slot)));
        }

        session.Consume(session.Peek()[..10].Length);
        Assert.Equal(EnqueueResult.Queued, Enqueue(session, Control(7)));

        Assert.Equal(["Accept", "ReadIndexRequest", "Accept", "Accept", "Accept"], Drain(session, begun: 10));
    }

    [Fact]
    public void Enqueue_full_bulk_queue_drops_bulk_and_has_room_for_control_until_that_is_full_too()
    {
        OutboundSession session = Greeted();
        int queued = 0;
        while (Enqueue(session, Bulk(++queued)) == EnqueueResult.Queued)
        {
        }

        Assert.InRange(session.QueuedBytes, Small.MaxQueuedBulkBytes - (40 * 1024), Small.MaxQueuedBulkBytes);
        Assert.Equal(1, _peer.DroppedMessages);
        int control = 0;
        while (Enqueue(session, Control(++control)) == EnqueueResult.Queued)
        {
        }

        Assert.InRange(control, 1000, 3000);
        Assert.Equal(2, _peer.ToState().LossEpoch);
    }

    [Fact]
    public void Enqueue_accept_larger_than_a_frame_goes_in_parts_and_a_single_entry_that_is_larger_not_at_all()
    {
        OutboundSession session = Greeted();
        Accept parts = SampleMessages.AcceptOf(One, Two, 1, payloadBytes: 30 * 1024, entries: 4);
        Accept tooLarge = SampleMessages.AcceptOf(One, Two, 9, payloadBytes: 70 * 1024);

        Assert.Equal(EnqueueResult.Queued, Enqueue(session, parts));
        Assert.Equal(EnqueueResult.TooLarge, Enqueue(session, tooLarge));

        Assert.Equal(["Accept", "Accept"], Drain(session));
        Assert.Equal(1, _peer.DroppedMessages);
    }

    [Fact]
    public void Close_of_a_session_drops_what_waits_and_raises_the_loss_epoch_once()
    {
        OutboundSession session = Greeted();
        Enqueue(session, Bulk(1));
        Enqueue(session, Control(1));
        session.Enqueue(SampleMessages.DrawReport(new Random(1), One));
        session.Close("reset");
        session.Close("again");

        Assert.Equal("reset", session.EndReason);
        Assert.Equal(3, _peer.DroppedMessages);
        Assert.Equal(4, _peer.ToState().LossEpoch);
        Assert.False(_peer.IsConnected);
        Assert.Equal(0, session.QueuedBytes);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void OutboundSession_into_an_InboundSession_carries_all_messages_unchanged_however_the_stream_is_cut(
        int seed)
    {
        var random = new Random(seed);
        OutboundSession outbound = Greeted();
        var peer = new Peer(One);
        var inbound = new InboundSession(
            new PeerGate(TestNode.Identity(2), [1], new IncarnationMemory(), Bootstrap.Done),
            id => id == 1 ? peer : null,
            Small.MaxFrameBytes,
            receiveBufferBytes: 128);
        Receive(inbound, outbound.Hello);
        var sent = new HashSet<string>();
        var received = new List<string>();
        for (int i = 0; i < 2_000; i++)
        {
            Message message = SampleMessages.Draw(random, random.Next(SampleMessages.Types), One, Two);
            sent.Add(SampleMessages.Describe(message));
            Assert.Equal(EnqueueResult.Queued, Enqueue(outbound, message));
            while (outbound.QueuedBytes > 0 && random.Next(4) != 0)
            {
                ReadOnlySpan<byte> next = outbound.Peek();
                int count = 1 + random.Next(Math.Min(next.Length, 300));
                received.AddRange(Receive(inbound, next[..count]).Select(SampleMessages.Describe));
                outbound.Consume(count);
            }
        }

        while (outbound.QueuedBytes > 0)
        {
            ReadOnlySpan<byte> next = outbound.Peek();
            received.AddRange(Receive(inbound, next).Select(SampleMessages.Describe));
            outbound.Consume(next.Length);
        }

        Assert.Equal(2_000, received.Count);
        Assert.Subset(sent, received.ToHashSet());
        Assert.Equal(2_000, _peer.SentMessages);
        Assert.Equal(_peer.SentBytes, peer.ReceivedBytes);
    }

    private static Accept Bulk(long slot) => SampleMessages.AcceptOf(One, Two, slot, payloadBytes: 30 * 1024);

    private static ReadIndexRequest Control(long id) => new(One, Two, id);

    private static EnqueueResult Enqueue(OutboundSession session, Message message) =>
        session.Enqueue(message);

    private static void Feed(OutboundSession session, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0 && session.Phase != SessionPhase.Ended)
        {
            Span<byte> free = session.Free().Span;
            int count = Math.Min(free.Length, bytes.Length);
            bytes[..count].CopyTo(free);
            session.Advance(count);
            bytes = bytes[count..];
        }
    }

    private static List<Message> Receive(InboundSession session, ReadOnlySpan<byte> bytes)
    {
        var messages = new List<Message>();
        while (bytes.Length > 0)
        {
            Span<byte> free = session.Free();
            int count = Math.Min(free.Length, bytes.Length);
            bytes[..count].CopyTo(free);
            session.Advance(count, nowTickMs: 1);
            Assert.NotEqual(SessionPhase.Ended, session.Phase);
            messages.AddRange(session.Messages ?? []);
            bytes = bytes[count..];
        }

        return messages;
    }

    /// <summary>The types of the frames in the order in which they leave.</summary>
    /// <param name="begun">Bytes of the first frame that have left before.</param>
    private static List<string> Drain(OutboundSession session, int begun = 0)
    {
        var types = new List<string>();
        while (session.QueuedBytes > 0)
        {
            ReadOnlySpan<byte> next = session.Peek();
            int taken = next.Length;
            if (begun > 0)
            {
                types.Add(nameof(Accept));
                session.Consume(taken);
                begun = 0;
                continue;
            }

            while (next.Length > 0)
            {
                int size = Frame.SizeOfOwn(next);
                types.Add(ConsensusCodec.DecodeMessage(next[..size]).GetType().Name);
                next = next[size..];
            }

            session.Consume(taken);
        }

        return types;
    }

    private OutboundSession Make(IIncarnationRegistry? incarnations = null, Bootstrap? bootstrap = null) => new(
        new PeerGate(
            TestNode.Identity(1), [2, 3], incarnations ?? new IncarnationMemory(), bootstrap ?? Bootstrap.Done),
        _peer,
        Small);

    private OutboundSession Greeted()
    {
        OutboundSession session = Make();
        Feed(session, Handshake.EncodeWelcome(TestNode.Identity(2)));
        Assert.Equal(SessionPhase.Established, session.Phase);
        return session;
    }
}
