using System.Text;

namespace KvCloud.Node.Transport;

/// <summary>First frame of a connection.</summary>
/// <param name="Expected">The node id that the caller expects to reach.</param>
internal sealed record Hello(ushort ProtocolVersion, int Expected, PeerIdentity Identity);

/// <summary>
/// The frames before the first message. Their layout never changes, and a Hello begins with the version of everything
/// else, so that replicas of different versions can still tell each other why they refuse.
/// </summary>
internal static class Handshake
{
    /// <summary>Version of the frame layout below; see <see cref="Frame"/>.</summary>
    public const byte FrameVersion = 0;

    /// <summary>Limits how much an unknown peer can make this node hold.</summary>
    public const int MaxFrameBytes = 4096;

    public const int MaxTextBytes = 512;

    public static byte[] EncodeHello(PeerIdentity self, int expected, ushort protocolVersion = ConsensusCodec.Version)
    {
        byte[] frame = new byte[Frame.OverheadBytes + 2 + 4 + IdentityBytes(self)];
        var writer = new FrameWriter(Frame.Payload(frame.AsSpan()));
        writer.UInt16(protocolVersion);
        writer.Int32(expected);
        WriteIdentity(self, ref writer);
        Frame.Seal(frame, FrameType.Hello, FrameVersion);
        return frame;
    }

    public static byte[] EncodeWelcome(PeerIdentity self)
    {
        byte[] frame = new byte[Frame.OverheadBytes + IdentityBytes(self)];
        var writer = new FrameWriter(Frame.Payload(frame.AsSpan()));
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
    /// Throws <see cref="HandshakeRefusedException"/> for another protocol version, before reading fields that may have
    /// changed since.
    /// </summary>
    public static Hello DecodeHello(ReadOnlySpan<byte> frame)
    {
        Expect(frame, FrameType.Hello);
        var reader = new FrameReader(Frame.Payload(frame));
        ushort version = reader.UInt16("protocol version");
        if (version != ConsensusCodec.Version)
        {
            throw new HandshakeRefusedException(
                $"the caller speaks protocol version {version}, this node speaks {ConsensusCodec.Version}");
        }

        int expected = reader.Int32("expected node id");
        PeerIdentity identity = ReadIdentity(ref reader);
        reader.End();
        return new Hello(version, expected, identity);
    }

    /// <summary>Throws <see cref="HandshakeRefusedException"/> when the answer to a Hello is a refusal.</summary>
    public static PeerIdentity DecodeAnswer(ReadOnlySpan<byte> frame)
    {
        if (Frame.TypeOf(frame) == FrameType.Refusal)
        {
            throw new HandshakeRefusedException(DecodeRefusal(frame));
        }

        Expect(frame, FrameType.Welcome);
        var reader = new FrameReader(Frame.Payload(frame));
        PeerIdentity identity = ReadIdentity(ref reader);
        reader.End();
        return identity;
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
