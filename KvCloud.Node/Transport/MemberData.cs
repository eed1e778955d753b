using System.Text;
using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>
/// What the members' record holds of one of them, for all others: where it is, and of one that was given a vote which
/// data directory it has. Each part may be unknown: then the configuration, or what it tells of itself, says it.
/// </summary>
/// <param name="Incarnation">0 for unknown.</param>
internal sealed record MemberData(long Incarnation, string PeerEndpoint, string ClientEndpoint, string HttpEndpoint)
{
    public const int MaxEndpointBytes = 512;

    private const byte FormatVersion = 1;

    public static MemberData Unknown { get; } = new(0, "", "", "");

    /// <summary>format(1) incarnation(8) {length(2) text} of peers, of clients, of HTTP; little-endian.</summary>
    public byte[] Encode()
    {
        string[] texts = [PeerEndpoint, ClientEndpoint, HttpEndpoint];
        byte[] data = new byte[1 + 8 + texts.Sum(text => 2 + Encoding.UTF8.GetByteCount(text))];
        var writer = new FrameWriter(data);
        writer.Byte(FormatVersion);
        writer.Int64(Incarnation);
        foreach (string text in texts)
        {
            byte[] utf8 = Encoding.UTF8.GetBytes(text);
            writer.UInt16((ushort)utf8.Length);
            writer.Bytes(utf8);
        }

        return data;
    }

    /// <summary>Of a member that the group began with, or data of a later format: nothing is known.</summary>
    public static MemberData Decode(ReadOnlySpan<byte> data)
    {
        if (data.Length == 0 || data[0] != FormatVersion)
        {
            return Unknown;
        }

        try
        {
            var reader = new FrameReader(data);
            reader.Byte("format");
            return new MemberData(
                reader.Int64("incarnation"),
                reader.Text(MaxEndpointBytes, "peer endpoint"),
                reader.Text(MaxEndpointBytes, "client endpoint"),
                reader.Text(MaxEndpointBytes, "http endpoint"));
        }
        catch (MalformedFrameException)
        {
            return Unknown;
        }
    }

    /// <summary>What the record says of the node; nothing of one that is no member.</summary>
    public static MemberData Of(GroupMembers members, int nodeId) =>
        members.Find(new NodeId(nodeId)) is GroupMember member ? Decode(member.Data.Span) : Unknown;
}
