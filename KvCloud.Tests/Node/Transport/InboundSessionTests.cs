using KvCloud.Consensus;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Transport;

/// <summary>What an accepted connection makes of bytes, however they arrive and whatever became of them.</summary>
public sealed class InboundSessionTests
{
    private const int MaxFrameBytes = 64 * 1024;

    private readonly Dictionary<int, Peer> _peers = new() { [2] = new(new NodeId(2)), [3] = new(new NodeId(3)) };

    [Fact]
    public void InboundSession_hello_byte_at_a_time_is_welcomed_with_the_last()
    {
        InboundSession session = Make();
        byte[] hello = Handshake.EncodeHello(TestNode.Identity(2), expected: 1);
        for (int i = 0; i < hello.Length; i++)
        {
            Assert.Equal(SessionPhase.Handshake, session.Phase);
            Assert.Null(session.Answer);
            Feed(session, hello.AsSpan(i, 1));
        }

        Assert.Equal(SessionPhase.Established, session.Phase);
        Assert.Same(_peers[2], session.Peer);
        Assert.Equal(
            new Welcome(ConsensusCodec.Version, TestNode.Identity(1)),
            Handshake.DecodeAnswer(session.Answer, Handshake.RangeForm, PeerRelease.Plain));
        Assert.Equal(TestNode.Identity(2), _peers[2].Identity);
    }

    [Fact]
    public void InboundSession_hello_is_no_first_contact_since_the_welcome_may_be_lost()
    {
        var bootstrap = new Bootstrap([2, 3], isFormed: false, () => { });
        InboundSession session = Make(bootstrap: bootstrap);

        Feed(session, Handshake.EncodeHello(TestNode.Identity(2), expected: 1));

        Assert.Equal(SessionPhase.Established, session.Phase);
        Assert.Equal([2, 3], bootstrap.NotMet);
    }

    [Fact]
    public void InboundSession_hello_truncated_at_any_position_admits_nobody()
    {
        byte[] hello = Handshake.EncodeHello(TestNode.Identity(2), expected: 1);
        for (int length = 0; length < hello.Length; length++)
        {
            InboundSession session = Make();
            Feed(session, hello.AsSpan(0, length));
            session.Close("the other side closed the connection");

            Assert.Null(session.Peer);
            Assert.Null(session.Answer);
            Assert.Equal(SessionEnd.Closed, session.End);
        }

        Assert.Equal(0, _peers[2].ToState().LossEpoch);
    }

    [Theory]
    [InlineData(0x01)]
    [InlineData(0x80)]
    [InlineData(0xFF)]
    public void InboundSession_hello_with_a_flipped_byte_at_any_position_admits_nobody(byte mask)
    {
        byte[] hello = Handshake.EncodeHello(TestNode.Identity(2), expected: 1);
        for (int at = 0; at < hello.Length; at++)
        {
            InboundSession session = Make();
            byte[] flipped = [.. hello];
            flipped[at] ^= mask;
            Feed(session, flipped);
            Feed(session, hello);

            Assert.Null(session.Peer);
            Assert.NotEqual(SessionPhase.Established, session.Phase);
        }

        Assert.Null(_peers[2].Identity);
    }

    [Fact]
    public void InboundSession_frames_byte_at_a_time_come_out_whole_and_in_order()
    {
        InboundSession session = Greeted();
        var random = new Random(1);
        var expected = new List<string>();
        var actual = new List<string>();
        for (int type = 0; type < SampleMessages.Types; type++)
        {
            Message message = SampleMessages.Draw(random, type, new NodeId(2), new NodeId(1));
            expected.Add(SampleMessages.Describe(message));
            foreach (byte one in SampleMessages.Encode(message))
            {
                Feed(session, [one]);
                actual.AddRange((session.Messages ?? []).Select(SampleMessages.Describe));
            }
        }

        Assert.Equal(expected, actual);
        Assert.Equal(SampleMessages.Types, _peers[2].ReceivedMessages);
        Assert.Equal(77, _peers[2].ToLink().LastReceivedTickMs);
    }

    [Fact]
    public void InboundSession_report_comes_out_beside_messages()
    {
        InboundSession session = Greeted();
        PeerReport report = SampleMessages.DrawReport(new Random(1), new NodeId(2));
        Feed(session, [.. SampleMessages.Encode(report), .. RequestFrame(1)]);

        Assert.Equal(report, Assert.Single(session.Reports!));
        Assert.Single(session.Messages!);
        Assert.Equal(2, session.DecodedFrames);
    }

    [Fact]
    public void InboundSession_frame_truncated_at_any_position_yields_nothing()
    {
        byte[] frame = RequestFrame(1);
        for (int length = 0; length < frame.Length; length++)
        {
            InboundSession session = Greeted();
            Feed(session, frame.AsSpan(0, length));
            Assert.Null(session.Messages);
            session.Close("reset");
            Assert.Equal("reset", session.EndReason);
        }
    }

    [Fact]
    public void InboundSession_frame_with_a_byte_missing_or_flipped_yields_no_message_from_there_on()
    {
        var random = new Random(1);
        for (int type = 0; type <= SampleMessages.Types; type++)
        {
            byte[] frame = type < SampleMessages.Types
                ? SampleMessages.Encode(SampleMessages.Draw(random, type, new NodeId(2), new NodeId(1)))
                : SampleMessages.Encode(SampleMessages.DrawReport(random, new NodeId(2)));
            for (int at = 0; at < frame.Length; at++)
            {
                byte[] flipped = [.. frame];
                flipped[at] ^= (byte)(1 + random.Next(255));
                YieldsNothing(flipped, $"type {type}, flipped at {at}");
                YieldsNothing([.. frame[..at], .. frame[(at + 1)..]], $"type {type}, missing at {at}");
            }
        }
    }

    [Fact]
    public void InboundSession_malformed_frame_ends_the_session_with_a_reason_and_raises_the_loss_epoch()
    {
        InboundSession session = Greeted();
        byte[] frame = RequestFrame(1);
        frame[^1] ^= 1;
        Feed(session, [.. RequestFrame(2), .. frame]);

        Assert.Equal(SessionEnd.Malformed, session.End);
        Assert.Contains("checksum", session.EndReason, StringComparison.Ordinal);
        Assert.Null(session.Messages);
        Assert.Equal(new LinkState(false, 1), _peers[2].ToState());
        session.Close("again");
        Assert.Equal(1, _peers[2].ToState().LossEpoch);
    }

    [Fact]
    public void InboundSession_frame_larger_than_the_limit_is_refused_by_its_header()
    {
        InboundSession session = Greeted();
        byte[] large = SampleMessages.Encode(
            SampleMessages.AcceptOf(new NodeId(2), new NodeId(1), 1, payloadBytes: MaxFrameBytes));
        Feed(session, large.AsSpan(0, Frame.HeaderBytes));

        Assert.Equal(SessionEnd.Malformed, session.End);
        Assert.Contains("larger than the limit", session.EndReason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3, 1, "speaks in the name of node-3")]
    [InlineData(2, 3, "meant for node-3")]
    public void InboundSession_message_of_or_for_another_ends_the_session(int from, int to, string expected)
    {
        InboundSession session = Greeted();
        Feed(session, SampleMessages.Encode(new ReadIndexRequest(new NodeId(from), new NodeId(to), 1)));

        Assert.Contains(expected, session.EndReason, StringComparison.Ordinal);
        Assert.Null(session.Messages);
    }

    [Fact]
    public void InboundSession_refusal_of_a_welcome_is_remembered_until_the_peer_speaks()
    {
        InboundSession session = Greeted();
        Feed(session, Handshake.EncodeRefusal("you have lost your data", ConsensusCodec.Version));
        Assert.Equal(SessionEnd.RejectedByPeer, session.End);
        Assert.Equal("you have lost your data", _peers[2].LastInboundRefusal);
        Assert.Equal("you have lost your data", _peers[2].ToLink().RefusedReason);

        session = Greeted();
        Feed(session, RequestFrame(1));
        Assert.Null(_peers[2].LastInboundRefusal);
        Assert.Null(_peers[2].ToLink().RefusedReason);
    }

    [Theory]
    [InlineData("cluster", "is of cluster 'other'")]
    [InlineData("expected", "looks for node 7; this is node 1")]
    [InlineData("self", "two nodes have the same id")]
    [InlineData("unknown", "does not know node 9")]
    [InlineData("voters", "began with the voters 1,2,3,4")]
    [InlineData("lease", "a leader's lease rests on them")]
    [InlineData("incarnation", "it has lost its data directory")]
    [InlineData("version", "greets in form 99, which this node does not know")]
    public void InboundSession_hello_of_no_peer_is_refused_by_name(string what, string expected)
    {
        var remembered = new IncarnationMemory();
        remembered.TryAdmit(2, TestNode.Identity(2).Incarnation);
        InboundSession session = Make(remembered);
        PeerIdentity two = TestNode.Identity(2);
        Feed(session, what switch
        {
            "cluster" => Handshake.EncodeHello(TestNode.Identity(2, "other"), 1),
            "expected" => Handshake.EncodeHello(two, 7),
            "self" => Handshake.EncodeHello(TestNode.Identity(1), 1),
            "unknown" => Handshake.EncodeHello(TestNode.Identity(9), 1),
            "voters" => Handshake.EncodeHello(two with { Terms = two.Terms with { Voters = "1,2,3,4" } }, 1),
            "lease" => Handshake.EncodeHello(two with { Terms = two.Terms with { LeaseMs = 399 } }, 1),
            "incarnation" => Handshake.EncodeHello(two with { Incarnation = 0xBAD }, 1),
            "version" => Handshake.EncodeHello(two, 1, form: 99),
            _ => Handshake.EncodeHello(two, 1),
        });

        Assert.Equal(SessionEnd.RejectedHere, session.End);
        Assert.Contains(expected, session.EndReason, StringComparison.Ordinal);
        HandshakeRefusedException told = Assert.Throws<HandshakeRefusedException>(
            () => Handshake.DecodeAnswer(session.Answer, Handshake.RangeForm, PeerRelease.Plain));
        Assert.Equal(session.EndReason, told.Message);
        Assert.Null(session.Peer);
        Assert.Equal(0, _peers[2].ToState().LossEpoch);
        bool isKnown = what is not ("self" or "unknown" or "version");
        Assert.Equal(isKnown ? session.EndReason : null, _peers[2].ToLink().RefusedReason);
    }

    [Fact]
    public void InboundSession_hello_that_cannot_be_noted_closes_the_session_without_a_refusal()
    {
        const string Reason = "node 1 cannot remember the incarnation of node 2: the disk is full";
        InboundSession session = Make(new FullDisk());
        Feed(session, Handshake.EncodeHello(TestNode.Identity(2), 1));

        Assert.Equal(SessionEnd.Closed, session.End);
        Assert.Equal(Reason, session.EndReason);
        Assert.Null(session.Answer);
        Assert.Null(session.Peer);
        Assert.Equal(Reason, _peers[2].ToLink().RefusedReason);
    }

    private static byte[] RequestFrame(long id) =>
        SampleMessages.Encode(new ReadIndexRequest(new NodeId(2), new NodeId(1), id));

    private static void Feed(InboundSession session, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0 && session.Phase != SessionPhase.Ended)
        {
            Span<byte> free = session.Free();
            int count = Math.Min(free.Length, bytes.Length);
            bytes[..count].CopyTo(free);
            session.Advance(count, nowTickMs: 77);
            bytes = bytes[count..];
        }
    }

    private InboundSession Make(IIncarnationRegistry? incarnations = null, Bootstrap? bootstrap = null) => new(
        new PeerGate(
            TestNode.Identity(1), [2, 3], incarnations ?? new IncarnationMemory(), bootstrap ?? Bootstrap.Done),
        id => _peers.GetValueOrDefault(id),
        MaxFrameBytes,
        receiveBufferBytes: 256);

    private InboundSession Greeted()
    {
        InboundSession session = Make();
        Feed(session, Handshake.EncodeHello(TestNode.Identity(2), expected: 1));
        Assert.Equal(SessionPhase.Established, session.Phase);
        return session;
    }

    /// <summary>
    /// Neither from the broken bytes nor from good frames behind them: their beginning is not known any more.
    /// </summary>
    private void YieldsNothing(byte[] broken, string what)
    {
        InboundSession session = Greeted();
        long before = _peers[2].ReceivedMessages;
        Feed(session, broken);
        for (int i = 0; i < 3; i++)
        {
            Feed(session, RequestFrame(i));
        }

        Assert.True(_peers[2].ReceivedMessages == before && session.Messages is null && session.Reports is null, what);
        session.Close("");
    }

    private sealed class FullDisk : IIncarnationRegistry
    {
        public bool TryAdmit(int nodeId, long incarnation) => throw new IOException("the disk is full");
    }
}
