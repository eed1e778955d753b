using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.Transport;
using KvCloud.Tests.Node.Transport;

namespace KvCloud.Tests.Fuzzing.Targets;

/// <summary>What replicas send each other.</summary>
internal static class PeerTargets
{
    private const int MaxFrameBytes = 64 * 1024;

    private static readonly NodeId Two = new(2);
    private static readonly NodeId One = new(1);

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("peer-frames", [.. Frames()], DecodeFrame) { Repair = Seal },
        new("handshakes", [.. Handshakes()], DecodeHandshake) { Repair = Seal },
        new(
            "peer-sessions",
            [.. Frames().Select(frame => (byte[])[.. Hello, .. frame])],
            RunSession) { Repair = SealBehindHello, BaseBytes = 8 * 1024 * 1024 },
        new("member-data", [new MemberData(7, "a:1", "b:2", "c:3").Encode()], DecodeMember),
        new(
            "forwarded-results",
            [
                CommandResultCodec.Encode(new CommandResult(KvStatus.Ok, new CommitVersion(1L << 40))),
                CommandResultCodec.Encode(new CommandResult(KvStatus.NotLeader, Message: "Not leader")),
            ],
            input => CommandResultCodec.TryDecode(input, out _, out _)),
    ];

    private static byte[] Hello => Handshake.EncodeHello(TestNode.Identity(2), expected: 1);

    private static IEnumerable<byte[]> Frames()
    {
        var random = new Random(1);
        for (int i = 0; i < SampleMessages.Types; i++)
        {
            yield return SampleMessages.Encode(SampleMessages.Draw(random, i, Two, One));
        }

        yield return SampleMessages.Encode(SampleMessages.DrawReport(random, Two));
    }

    private static IEnumerable<byte[]> Handshakes() =>
    [
        Hello,
        Handshake.EncodeHello(TestNode.Identity(2), expected: 1, Handshake.SingleForm),
        Handshake.EncodeWelcome(TestNode.Identity(2)),
        Handshake.EncodeWelcome(TestNode.Identity(2), Handshake.SingleForm, ConsensusCodec.OldestVersion),
        Handshake.EncodeRefusal("no"),
    ];

    private static bool DecodeFrame(byte[] input)
    {
        try
        {
            byte version = input.Length > 1 && IsSpoken(input[1]) ? input[1] : ConsensusCodec.Version;
            int size = Frame.SizeOf(input, version, MaxFrameBytes);
            if (size == 0 || size > input.Length)
            {
                return false;
            }

            ReadOnlySpan<byte> frame = input.AsSpan(0, size);
            if (Frame.TypeOf(frame) == FrameType.Report)
            {
                ConsensusCodec.DecodeReport(frame);
            }
            else if (ConsensusCodec.DecodeMessage(frame) is SnapshotReply reply)
            {
                DecodeManifest(reply.Content);
            }

            return true;
        }
        catch (MalformedFrameException)
        {
            return false;
        }
    }

    private static void DecodeManifest(ReadOnlyMemory<byte> content)
    {
        try
        {
            _ = SnapshotManifest.Decode(content).SizeBytes;
        }
        catch (InvalidDataException)
        {
            // The one that a damaged manifest has.
        }
    }

    private static bool DecodeHandshake(byte[] input)
    {
        try
        {
            if (Frame.SizeOf(input, Handshake.FrameVersion, Handshake.MaxFrameBytes) is not (> 0 and var size)
                || size > input.Length)
            {
                return false;
            }

            byte[] frame = input[..size];
            if (Frame.TypeOf(frame) == FrameType.Hello)
            {
                Handshake.DecodeHello(frame, PeerRelease.Plain);
            }
            else
            {
                Handshake.DecodeAnswer(frame, Handshake.RangeForm, PeerRelease.Plain);
            }

            return true;
        }
        catch (Exception exception) when (exception is MalformedFrameException or HandshakeRefusedException)
        {
            return false;
        }
    }

    /// <summary>A whole connection: the hello, and frames behind it, in pieces. It never throws.</summary>
    private static bool RunSession(byte[] input)
    {
        var peer = new Peer(Two);
        var session = new InboundSession(
            new PeerGate(TestNode.Identity(1), [2], new IncarnationMemory(), Bootstrap.Done),
            id => id == 2 ? peer : null, MaxFrameBytes, MaxFrameBytes);
        int delivered = 0;
        for (int at = 0; at < input.Length && session.Phase != SessionPhase.Ended;)
        {
            Span<byte> free = session.Free();
            int piece = Math.Min(Math.Min(free.Length, input.Length - at), 1 + (input[at] * 8));
            input.AsSpan(at, piece).CopyTo(free);
            session.Advance(piece, 0);
            delivered += (session.Messages?.Count ?? 0) + (session.Reports?.Count ?? 0);
            at += piece;
        }

        session.Close("the end");
        return delivered > 0;
    }

    private static bool DecodeMember(byte[] input) => MemberData.Decode(input) != MemberData.Unknown;

    private static bool IsSpoken(byte version) =>
        version is >= ConsensusCodec.OldestVersion and <= ConsensusCodec.Version;

    private static byte[] Seal(byte[] input)
    {
        if (input.Length >= Frame.OverheadBytes)
        {
            byte version = input[1] == 0 || IsSpoken(input[1]) ? input[1] : ConsensusCodec.Version;
            Frame.Seal(input, (FrameType)input[2], version);
        }

        return input;
    }

    private static byte[] SealBehindHello(byte[] input)
    {
        int hello = Hello.Length;
        return input.Length <= hello ? input : [.. input[..hello], .. Seal(input[hello..])];
    }
}
