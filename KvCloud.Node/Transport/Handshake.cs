using System.Text;

namespace KvCloud.Node.Transport;

/// <summary>First frame of a connection.</summary>
/// <param name="Form">The layout of the Hello, in which it is answered too.</param>
/// <param name="Version">The version of the frames that follow: the newest one that both sides speak.</param>
/// <param name="Expected">The node id that the caller expects to reach.</param>
internal sealed record Hello(ushort Form, byte Version, int Expected, PeerIdentity Identity);

/// <summary>
/// The frames before the first message. Their layout never changes, and a Hello begins with its form, so that replicas
/// of different releases can still tell each other why they refuse.
/// </summary>
/// <remarks>
/// There are two forms. The first belongs to wire version 3, whose listeners refuse every other number at this place.
/// The second names the range of wire versions that the caller speaks, and its receiver ignores what a later release
/// may add behind its last field: no third form is needed for a new version.
/// </remarks>
internal static class Handshake
{
    /// <summary>The Hello of wire version 3, which was the only version when it was defined.</summary>
    public const ushort SingleForm = 3;

    /// <summary>The Hello that names a range of versions.</summary>
    public const ushort RangeForm = 4;

    /// <summary>Version of the frame layout below; see <see cref="Frame"/>.</summary>
    public const byte FrameVersion = 0;

    /// <summary>Limits how much an unknown peer can make this node hold.</summary>
    public const int MaxFrameBytes = 4096;

    public const int MaxTextBytes = 512;

    public static byte[] EncodeHello(PeerIdentity self, int expected, ushort form = RangeForm)
    {
        int releaseBytes = form == SingleForm ? 0 : ReleaseBytes(self.Release);
        byte[] frame = new byte[Frame.OverheadBytes + 2 + releaseBytes + 4 + IdentityBytes(self)];
        var writer = new FrameWriter(Frame.Payload(frame.AsSpan()));
        writer.UInt16(form);
        if (form != SingleForm)
        {
            WriteRelease(self.Release, ref writer);
        }

        writer.Int32(expected);
        WriteIdentity(self, ref writer);
        Frame.Seal(frame, FrameType.Hello, FrameVersion);
        return frame;
    }

    /// <param name="form">The form of the Hello that is answered.</param>
    /// <param name="version">The version of the frames that follow.</param>
    public static byte[] EncodeWelcome(
        PeerIdentity self, ushort form = RangeForm, byte version = ConsensusCodec.Version)
    {
        int releaseBytes = form == SingleForm ? 0 : 1 + ReleaseBytes(self.Release);
        byte[] frame = new byte[Frame.OverheadBytes + releaseBytes + IdentityBytes(self)];
        var writer = new FrameWriter(Frame.Payload(frame.AsSpan()));
        if (form != SingleForm)
        {
            writer.Byte(version);
            WriteRelease(self.Release, ref writer);
        }

        WriteIdentity(self, ref writer);
        Frame.Seal(frame, FrameType.Welcome, FrameVersion);
        return frame;
    }

    /// <param name="reason">One sentence; truncated after <see cref="MaxTextBytes"/>.</param>
    /// <param name="frameVersion">The version of the frames that the other side expects next.</param>
    public static byte[] EncodeRefusal(string reason, byte frameVersion = FrameVersion)
    {
        string text = reason;
        while (Encoding.UTF8.GetByteCount(text) > MaxTextBytes)
        {
            text = text[..^1];
        }

        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        byte[] frame = new byte[Frame.OverheadBytes + 2 + utf8.Length];
        var writer = new FrameWriter(Frame.Payload(frame.AsSpan()));
        writer.UInt16((ushort)utf8.Length);
        writer.Bytes(utf8);
        Frame.Seal(frame, FrameType.Refusal, frameVersion);
        return frame;
    }

    /// <summary>
    /// Throws <see cref="HandshakeRefusedException"/> where no version is common to both, before it reads fields that
    /// may have changed since.
    /// </summary>
    /// <param name="own">What this node speaks; if that is version 3 alone, it answers as that release did.</param>
    public static Hello DecodeHello(ReadOnlySpan<byte> frame, PeerRelease own)
    {
        Expect(frame, FrameType.Hello);
        var reader = new FrameReader(Frame.Payload(frame));
        ushort form = reader.UInt16("form of the hello");
        bool speaksOnlySingle = own.MaxWire == SingleForm;
        if (form != SingleForm && (form != RangeForm || speaksOnlySingle))
        {
            throw new HandshakeRefusedException(OtherFormText(form, own));
        }

        PeerRelease release = form == SingleForm ? PeerRelease.Former : ReadRelease(ref reader);
        byte version = own.CommonWire(release) ?? throw new HandshakeRefusedException(
            $"the caller speaks {release.DescribeWire()}, this node speaks {own.DescribeWire()}:"
            + " they have none in common");
        int expected = reader.Int32("expected node id");
        PeerIdentity identity = ReadIdentity(ref reader) with { Release = release };
        if (form == SingleForm)
        {
            reader.End();
        }

        return new Hello(form, version, expected, identity);
    }

    /// <summary>
    /// Whether the reason is that the other side is of the release that knows wire version 3 and the first form only:
    /// these are its very words.
    /// </summary>
    public static bool IsRefusalOfRange(string reason) => reason == OtherFormText(RangeForm, PeerRelease.Former);

    /// <summary>Throws <see cref="HandshakeRefusedException"/> when the answer to a Hello is a refusal.</summary>
    /// <param name="form">The form of the Hello that was sent.</param>
    /// <param name="own">What this node speaks.</param>
    public static Welcome DecodeAnswer(ReadOnlySpan<byte> frame, ushort form, PeerRelease own)
    {
        if (Frame.TypeOf(frame) == FrameType.Refusal)
        {
            throw new HandshakeRefusedException(DecodeRefusal(frame));
        }

        Expect(frame, FrameType.Welcome);
        var reader = new FrameReader(Frame.Payload(frame));
        if (form == SingleForm)
        {
            PeerIdentity former = ReadIdentity(ref reader) with { Release = PeerRelease.Former };
            reader.End();
            return new Welcome(ConsensusCodec.OldestVersion, former);
        }

        byte version = reader.Byte("wire version");
        PeerRelease release = ReadRelease(ref reader);
        if (version < own.MinWire || version > own.MaxWire)
        {
            throw new MalformedFrameException(
                $"the answer chooses wire version {version}, and this node had offered {own.DescribeWire()}");
        }

        return new Welcome(version, ReadIdentity(ref reader) with { Release = release });
    }

    public static string DecodeRefusal(ReadOnlySpan<byte> frame)
    {
        Expect(frame, FrameType.Refusal);
        var reader = new FrameReader(Frame.Payload(frame));
        string reason = reader.Text(MaxTextBytes, "reason");
        reader.End();
        return reason;
    }

    /// <summary>Throws <see cref="ArgumentException"/> if the identity cannot be encoded in a handshake.</summary>
    public static void Validate(PeerIdentity identity)
    {
        RequireText(identity.ClusterId, nameof(identity.ClusterId), mayBeEmpty: false);
        RequireText(identity.ClientEndpoint, nameof(identity.ClientEndpoint), mayBeEmpty: true);
        RequireText(identity.HttpEndpoint, nameof(identity.HttpEndpoint), mayBeEmpty: true);
        RequireText(identity.Terms.Voters, nameof(identity.Terms.Voters), mayBeEmpty: true);
        RequireText(identity.Release.Program, nameof(identity.Release.Program), mayBeEmpty: true);
        ArgumentOutOfRangeException.ThrowIfNegative(identity.NodeId);
    }

    private static void RequireText(string text, string name, bool mayBeEmpty)
    {
        if ((text.Length == 0 && !mayBeEmpty) || Encoding.UTF8.GetByteCount(text) > MaxTextBytes)
        {
            throw new ArgumentException($"{name} must have {(mayBeEmpty ? 0 : 1)} to {MaxTextBytes} bytes: '{text}'");
        }
    }

    private static void Expect(ReadOnlySpan<byte> frame, FrameType type)
    {
        Frame.Verify(frame);
        if (Frame.TypeOf(frame) != type)
        {
            throw new MalformedFrameException($"the handshake has a frame of type {frame[2]} where a {type} belongs");
        }
    }

    private static string OtherFormText(ushort form, PeerRelease own) => own.MaxWire == SingleForm
        ? $"the caller speaks protocol version {form}, this node speaks {own.MaxWire}"
        : $"the caller greets in form {form}, which this node does not know; it speaks {own.DescribeWire()}";

    private static int ReleaseBytes(PeerRelease release) => 1 + 1 + 4 + 4 + TextBytes(release.Program);

    private static void WriteRelease(PeerRelease release, ref FrameWriter writer)
    {
        writer.Byte(release.MinWire);
        writer.Byte(release.MaxWire);
        writer.Int32(release.SupportedLevel);
        writer.Int32(release.AllowedLevel);
        WriteText(release.Program, ref writer);
    }

    private static PeerRelease ReadRelease(ref FrameReader reader)
    {
        byte min = reader.Byte("oldest wire version");
        byte max = reader.Byte("newest wire version");
        int supported = reader.Int32("supported feature level");
        int allowed = reader.Int32("allowed feature level");
        if (min > max || supported < PeerRelease.FirstLevel || allowed < PeerRelease.FirstLevel)
        {
            throw new MalformedFrameException(
                $"a release of {PeerRelease.DescribeWire(min, max)} and feature levels {supported} and {allowed}"
                + " cannot be");
        }

        return new PeerRelease(reader.Text(MaxTextBytes, "program version"), min, max, supported, allowed);
    }

    private static int IdentityBytes(PeerIdentity identity) =>
        TextBytes(identity.ClusterId) + 4 + 8 + TextBytes(identity.ClientEndpoint) + TextBytes(identity.HttpEndpoint)
        + TextBytes(identity.Terms.Voters) + 4 + 4;

    private static int TextBytes(string text) => 2 + Encoding.UTF8.GetByteCount(text);

    private static void WriteIdentity(PeerIdentity identity, ref FrameWriter writer)
    {
        WriteText(identity.ClusterId, ref writer);
        writer.Int32(identity.NodeId);
        writer.Int64(identity.Incarnation);
        WriteText(identity.ClientEndpoint, ref writer);
        WriteText(identity.HttpEndpoint, ref writer);
        WriteText(identity.Terms.Voters, ref writer);
        writer.Int32(identity.Terms.ElectionTimeoutMs);
        writer.Int32(identity.Terms.LeaseMs);
    }

    private static void WriteText(string text, ref FrameWriter writer)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        writer.UInt16((ushort)utf8.Length);
        writer.Bytes(utf8);
    }

    private static PeerIdentity ReadIdentity(ref FrameReader reader) => new(
        reader.Text(MaxTextBytes, "cluster id"),
        reader.Int32("node id"),
        reader.Int64("incarnation"),
        reader.Text(MaxTextBytes, "client endpoint"),
        reader.Text(MaxTextBytes, "http endpoint"),
        new GroupTerms(
            reader.Text(MaxTextBytes, "voters"), reader.Int32("election timeout"), reader.Int32("lease")));
}
