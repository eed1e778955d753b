using System.Net;
using KvCloud.Consensus;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Transport;

/// <summary>Replicas of releases beside each other: which wire version a connection uses, and how they agree.</summary>
public sealed class WireVersionTests
{
    private const string RefusalOfRange = "the caller speaks protocol version 4, this node speaks 3";

    private static readonly TransportOptions Options = new();

    private static readonly PeerReport Report = new(
        new NodeId(2), Role.Follower, Ballot.Zero, new Slot(5), new Slot(6), 7, 8, Slot.Zero, 0)
    {
        FeatureLevel = 9,
    };

    private readonly Peer _one = new(new NodeId(1));
    private readonly Peer _two = new(new NodeId(2));

    [Fact]
    public void EncodeHello_in_the_single_form_and_its_welcome_are_those_of_the_release_before()
    {
        var identity = new PeerIdentity("c", 2, 0x0102030405060708, "a:1", "b:2", new GroupTerms("1,2", 400, 320));

        byte[] hello = Handshake.EncodeHello(identity, expected: 1, Handshake.SingleForm);
        byte[] welcome = Handshake.EncodeWelcome(identity, Handshake.SingleForm, ConsensusCodec.OldestVersion);

        const string IdentityHex = "0100" + "63" + "02000000" + "0807060504030201"
            + "0300" + "613A31" + "0300" + "623A32" + "0300" + "312C32" + "90010000" + "40010000";
        Assert.Equal("C50040002C000000" + "0300" + "01000000" + IdentityHex, Convert.ToHexString(hello[..^8]));
        Assert.Equal("C500410026000000" + IdentityHex, Convert.ToHexString(welcome[..^8]));
    }

    [Theory]
    [InlineData(5, 5, 5)]
    [InlineData(5, 4, 4)]
    [InlineData(4, 5, 4)]
    [InlineData(5, 3, 3)]
    [InlineData(4, 4, 4)]
    [InlineData(4, 3, 3)]
    [InlineData(3, 4, 3)]
    [InlineData(3, 3, 3)]
    public void Sessions_of_any_two_releases_agree_on_the_newest_version_of_both(
        byte callerMax, byte listenerMax, byte expected)
    {
        (OutboundSession outbound, InboundSession inbound, int refusals) = Connect(callerMax, listenerMax);

        Assert.Equal(callerMax >= 4 && listenerMax == 3 ? 1 : 0, refusals);
        Assert.Equal(SessionPhase.Established, outbound.Phase);
        Assert.Equal(expected, _one.ToLink().WireVersion);
        Assert.Equal(EnqueueResult.Queued, outbound.Enqueue(Report));
        var message = new ReadIndexRequest(new NodeId(2), new NodeId(1), 77);
        outbound.Enqueue(message);
        byte[] sent = outbound.Peek().ToArray();
        Assert.Equal(expected, Frame.VersionOf(sent));
        Receive(inbound, sent);
        Assert.Equal(Report with { FeatureLevel = expected >= 4 ? 9 : 0 }, Assert.Single(inbound.Reports!));
        Assert.Equal(message, Assert.Single(inbound.Messages!));
    }

    [Fact]
    public void OutboundSession_of_a_peer_that_is_refused_in_both_forms_greets_in_the_newest_form_again()
    {
        PeerGate gate = GateOf(2, Release(4));
        var first = new OutboundSession(gate, _one, Options);
        Feed(first, Handshake.EncodeRefusal(RefusalOfRange));
        Assert.True(first.MustGreetInSingleForm);
        Assert.Null(_one.ToLink().RefusedReason);

        var second = new OutboundSession(gate, _one, Options, greetsInSingleForm: true);
        Assert.Equal(Handshake.SingleForm, FormOf(second.Hello));
        Feed(second, Handshake.EncodeRefusal("node 1 has lost its data directory"));
        Assert.False(second.MustGreetInSingleForm);
        Assert.Equal(SessionEnd.RejectedByPeer, second.End);
    }

    /// <summary>
    /// Found by the simulator: no connection came about after the refusal for a second, and by then the peer had been
    /// upgraded and its group's level had risen. It refused who greeted as the release before does.
    /// </summary>
    [Fact]
    public void GreetsInSingleForm_holds_for_the_attempt_that_follows_at_once_and_no_later_one()
    {
        var backoff = new ReconnectBackoff(Options);
        Assert.False(backoff.GreetsInSingleForm);
        backoff.NextPauseMs(ConnectOutcome.GreetAnew, unit: 0);
        Assert.True(backoff.GreetsInSingleForm);
        backoff.NextPauseMs(ConnectOutcome.Failed, unit: 0);
        Assert.False(backoff.GreetsInSingleForm);
    }

    [Fact]
    public void NextPauseMs_to_greet_anew_is_none_and_counts_as_no_failure()
    {
        var backoff = new ReconnectBackoff(new TransportOptions { MinReconnectDelayMs = 50 });
        Assert.Equal(25, backoff.NextPauseMs(ConnectOutcome.Failed, unit: 0));
        Assert.Equal(0, backoff.NextPauseMs(ConnectOutcome.GreetAnew, unit: 0));
        Assert.Equal(50, backoff.NextPauseMs(ConnectOutcome.Failed, unit: 0));
    }

    [Fact]
    public void InboundSession_caller_without_a_common_version_is_refused_by_both_ranges()
    {
        PeerIdentity later = TestNode.Identity(2) with { Release = Release(6) with { MinWire = 5 } };
        InboundSession inbound = Listen(Release(4));
        Receive(inbound, Handshake.EncodeHello(later, expected: 1));

        Assert.Equal(SessionEnd.RejectedHere, inbound.End);
        Assert.Equal(
            "the caller speaks wire versions 5 to 6, this node speaks wire versions 3 to 4: they have none in common",
            inbound.EndReason);
        Assert.Equal(inbound.EndReason, Handshake.DecodeRefusal(inbound.Answer));
    }

    [Fact]
    public void InboundSession_hello_of_a_later_release_with_more_behind_its_last_field_is_understood()
    {
        byte[] hello = Handshake.EncodeHello(TestNode.Identity(2) with { Release = Release(9) }, expected: 1);
        byte[] longer = [.. hello[..^Frame.ChecksumBytes], 1, 2, 3, .. new byte[Frame.ChecksumBytes]];
        Frame.Seal(longer, FrameType.Hello, Handshake.FrameVersion);
        InboundSession inbound = Listen(Release(4));
        Receive(inbound, longer);

        Assert.Equal(SessionPhase.Established, inbound.Phase);
        Assert.Equal(9, _two.InboundRelease!.MaxWire);
        Assert.Equal(4, Handshake.DecodeAnswer(inbound.Answer, Handshake.RangeForm, Release(9)).Version);
    }

    [Fact]
    public void InboundSession_caller_that_cannot_follow_the_level_is_refused_by_name()
    {
        PeerGate gate = GateOf(1, Release(4));
        gate.RequireFeatureLevel(2);
        var inbound = new InboundSession(gate, id => id == 2 ? _two : null, Options.MaxFrameBytes);
        Receive(inbound, Handshake.EncodeHello(TestNode.Identity(2), expected: 1, Handshake.SingleForm));

        Assert.Equal(
            "node 2 can follow feature level 1, and its group is at 2: it must run the release that the other members"
            + " run",
            inbound.EndReason);

        PeerIdentity able = TestNode.Identity(2) with { Release = Release(4) with { SupportedLevel = 2 } };
        inbound = new InboundSession(gate, id => id == 2 ? _two : null, Options.MaxFrameBytes);
        Receive(inbound, Handshake.EncodeHello(able, expected: 1));
        Assert.Equal(SessionPhase.Established, inbound.Phase);
    }

    [Fact]
    public void ReleaseOfStranger_is_what_a_caller_said_that_is_no_member_yet()
    {
        PeerGate gate = GateOf(1, Release(4));
        Assert.Null(gate.ReleaseOfStranger(7));
        var inbound = new InboundSession(gate, _ => null, Options.MaxFrameBytes);
        Receive(inbound, Handshake.EncodeHello(TestNode.Identity(7), expected: 1, Handshake.SingleForm));

        Assert.Contains("does not know node 7", inbound.EndReason, StringComparison.Ordinal);
        Assert.Equal(PeerRelease.Former, gate.ReleaseOfStranger(7));
    }

    [Fact]
    public void OutboundSession_welcome_with_a_version_that_was_not_offered_is_malformed()
    {
        var session = new OutboundSession(GateOf(2, Release(4)), _one, Options);
        Feed(session, Handshake.EncodeWelcome(TestNode.Identity(1), version: 7));

        Assert.Equal(SessionEnd.Malformed, session.End);
        Assert.Contains("chooses wire version 7", session.EndReason, StringComparison.Ordinal);
    }

    [Fact]
    public void IsOutdated_once_the_peer_calls_as_a_newer_release()
    {
        (OutboundSession outbound, _, _) = Connect(callerMax: 4, listenerMax: 3);
        Assert.False(outbound.IsOutdated);

        _one.InboundAccepted(TestNode.Identity(1) with { Release = PeerRelease.Former });
        Assert.False(outbound.IsOutdated);

        _one.InboundAccepted(TestNode.Identity(1) with { Release = Release(4) });
        Assert.True(outbound.IsOutdated);

        _one.InboundEnded();
        _one.InboundEnded();
        Assert.False(outbound.IsOutdated);
    }

    [Fact]
    public async Task TcpTransport_beside_one_of_the_release_before_exchanges_messages_and_is_refused_once()
    {
        var directory = new Directory();
        await using TestNode newer = await TestNode.StartAsync(1, [2], directory);
        await using TestNode former = await TestNode.StartAsync(
            2, [1], directory, identity: TestNode.Identity(2) with { Release = PeerRelease.Former });
        await newer.ConnectedToAsync(2);
        await former.ConnectedToAsync(1);

        newer.Transport.Send([new ReadIndexRequest(newer.Id, former.Id, 1)]);
        former.Transport.Send([new ReadIndexRequest(former.Id, newer.Id, 2)]);
        await newer.ReceivedAsync(1);
        await former.ReceivedAsync(1);

        Assert.Equal((3, 3), (newer.Link(2).WireVersion, former.Link(1).WireVersion));
        Assert.Equal(PeerRelease.Former, newer.Link(2).Release);
        Assert.Single(former.Log, line => line.Contains(RefusalOfRange, StringComparison.Ordinal));
        Assert.DoesNotContain(newer.Log, line => line.Contains("refused", StringComparison.Ordinal));
    }

    [Fact]
    public async Task TcpTransport_link_to_a_peer_that_was_upgraded_uses_the_newer_version()
    {
        var directory = new Directory();
        await using TestNode newer = await TestNode.StartAsync(1, [2], directory);
        TestNode former = await TestNode.StartAsync(
            2, [1], directory, identity: TestNode.Identity(2) with { Release = PeerRelease.Former });
        await newer.ConnectedToAsync(2);
        var place = (IPEndPoint)directory[2];
        await former.DisposeAsync();

        await using TestNode upgraded = await TestNode.StartAsync(2, [1], directory, bind: place);
        const int newest = ConsensusCodec.Version;
        await Eventually.TrueAsync(() => newer.Link(2).WireVersion == newest, () => $"{newer.Link(2)}");
        await Eventually.TrueAsync(() => upgraded.Link(1).WireVersion == newest, () => $"{upgraded.Link(1)}");
    }

    private static PeerRelease Release(byte maxWire) => PeerRelease.Plain with { MaxWire = maxWire };

    private static PeerGate GateOf(int self, PeerRelease release) => new(
        TestNode.Identity(self) with { Release = release }, [3 - self], new IncarnationMemory(), Bootstrap.Done);

    private static ushort FormOf(byte[] hello) => BitConverter.ToUInt16(Frame.Payload(hello.AsSpan())[..2]);

    private InboundSession Listen(PeerRelease release) =>
        new(GateOf(1, release), id => id == 2 ? _two : null, Options.MaxFrameBytes);

    /// <summary>Node 2 calls node 1, as often as its connector would without a pause.</summary>
    private (OutboundSession Outbound, InboundSession Inbound, int Refusals) Connect(byte callerMax, byte listenerMax)
    {
        for (int refusals = 0; ; refusals++)
        {
            var outbound = new OutboundSession(
                GateOf(2, Release(callerMax)), _one, Options, greetsInSingleForm: refusals > 0);
            InboundSession inbound = Listen(Release(listenerMax));
            Receive(inbound, outbound.Hello);
            Feed(outbound, inbound.Answer);
            if (!outbound.MustGreetInSingleForm)
            {
                return (outbound, inbound, refusals);
            }
        }
    }

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

    private static void Receive(InboundSession session, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0 && session.Phase != SessionPhase.Ended)
        {
            Span<byte> free = session.Free();
            int count = Math.Min(free.Length, bytes.Length);
            bytes[..count].CopyTo(free);
            session.Advance(count, nowTickMs: 1);
            bytes = bytes[count..];
        }
    }
}
