using System.Buffers.Binary;
using System.IO.Hashing;

namespace KvCloud.Node.Transport;

/// <summary>
/// The envelope of everything sent between replicas, little-endian:
/// <code>
///   0  magic     1 byte   0xC5
///   1  version   1 byte   of the content; 0 for the handshake, whose layout never changes
///   2  type      1 byte   <see cref="FrameType"/>
///   3  reserved  1 byte   0
///   4  length    4 bytes  of the payload
///   8  payload
///   …  checksum  8 bytes  XxHash3 of everything before it
/// </code>
/// </summary>
internal static class Frame
{
    public const byte Magic = 0xC5;
    public const int HeaderBytes = 8;
    public const int ChecksumBytes = 8;
    public const int OverheadBytes = HeaderBytes + ChecksumBytes;

    /// <summary>Writes the header and the checksum around a payload that is already in place.</summary>
    public static void Seal(Span<byte> frame, FrameType type, byte version)
    {
        frame[0] = Magic;
        frame[1] = version;
        frame[2] = (byte)type;
        frame[3] = 0;
        BinaryPrimitives.WriteInt32LittleEndian(frame[4..], frame.Length - OverheadBytes);
        Span<byte> covered = frame[..^ChecksumBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(frame[covered.Length..], XxHash3.HashToUInt64(covered));
    }

    /// <summary>Where to write the payload of a frame of this size.</summary>
    public static Span<byte> Payload(Span<byte> frame) => frame[HeaderBytes..^ChecksumBytes];

    public static ReadOnlySpan<byte> Payload(ReadOnlySpan<byte> frame) => frame[HeaderBytes..^ChecksumBytes];

    public static FrameType TypeOf(ReadOnlySpan<byte> frame) => (FrameType)frame[2];

    public static byte VersionOf(ReadOnlySpan<byte> frame) => frame[1];

    /// <summary>
    /// The size of the frame that begins here, whether complete or not; 0 until its header is complete. An invalid
    /// header is refused at its first wrong byte, before anything is allocated for it.
    /// </summary>
    public static int SizeOf(ReadOnlySpan<byte> buffer, byte version, int maxFrameBytes)
    {
        if (buffer.Length > 0 && buffer[0] != Magic)
        {
            throw new MalformedFrameException($"a frame begins with {Magic:X2}, not {buffer[0]:X2}");
        }

        if (buffer.Length > 1 && buffer[1] != version)
        {
            throw new MalformedFrameException($"a frame has version {buffer[1]}, expected {version}");
        }

        if (buffer.Length < HeaderBytes)
        {
            return 0;
        }

        uint payloadBytes = BinaryPrimitives.ReadUInt32LittleEndian(buffer[4..]);
        if (payloadBytes > maxFrameBytes - OverheadBytes)
        {
            throw new MalformedFrameException(
                $"a frame of {payloadBytes} + {OverheadBytes} bytes is larger than the limit of {maxFrameBytes}");
        }

        return (int)payloadBytes + OverheadBytes;
    }

    /// <summary>The size of a frame that this process wrote itself.</summary>
    public static int SizeOfOwn(ReadOnlySpan<byte> frame) =>
        BinaryPrimitives.ReadInt32LittleEndian(frame[4..]) + OverheadBytes;

    /// <summary>
    /// Checks what <see cref="SizeOf"/> does not: the reserved byte and the checksum of a complete frame.
    /// </summary>
    public static void Verify(ReadOnlySpan<byte> frame)
    {
        if (frame[3] != 0)
        {
            throw new MalformedFrameException($"the reserved byte of a frame is {frame[3]}");
        }

        ReadOnlySpan<byte> covered = frame[..^ChecksumBytes];
        ulong expected = BinaryPrimitives.ReadUInt64LittleEndian(frame[covered.Length..]);
        if (XxHash3.HashToUInt64(covered) != expected)
        {
            throw new MalformedFrameException(
                $"the checksum of a frame of type {frame[2]} and {frame.Length} bytes is wrong");
        }
    }
}
