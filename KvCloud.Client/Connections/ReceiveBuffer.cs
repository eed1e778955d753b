using System.Buffers.Binary;
using KvCloud.Protocol.Wire;

namespace KvCloud.Client.Connections;

/// <summary>Bytes from the socket, cut into frames. Grows for a large answer and shrinks after it.</summary>
internal sealed class ReceiveBuffer(int maxFrameBytes) : WireBuffer(UsualSizeBytes, 4 * UsualSizeBytes)
{
    private const int UsualSizeBytes = 64 * 1024;

    /// <summary>What a port that speaks only TLS says to a client that does not; as a length it is 352 MB.</summary>
    private const byte TlsAlertRecord = 0x15;
    private const byte TlsMajorVersion = 0x03;

    private int _wanted;

    /// <summary>Where to receive the next bytes; <see cref="WireBuffer.Advance"/> takes their number.</summary>
    public Memory<byte> Free() => MakeRoom(Math.Max(UsualSizeBytes, _wanted) - Length);

    /// <summary>The next complete frame without its length prefix; valid until <see cref="Free"/>.</summary>
    public bool TryTakeFrame(out ReadOnlyMemory<byte> frame)
    {
        frame = default;
        _wanted = 0;
        if (Length < ThriftFormat.FrameHeaderBytes)
        {
            return false;
        }

        int size = BinaryPrimitives.ReadInt32BigEndian(Unread);
        if (size <= 0 || size > maxFrameBytes)
        {
            if (Unread[0] == TlsAlertRecord && Unread[1] == TlsMajorVersion)
            {
                throw new WireFormatException("the server demands TLS (setting UseTls)");
            }

            throw new WireFormatException(
                $"an answer of {(uint)size} bytes is announced; the limit MaxResponseBytes is {maxFrameBytes}");
        }

        if (Length < ThriftFormat.FrameHeaderBytes + size)
        {
            _wanted = ThriftFormat.FrameHeaderBytes + size;
            return false;
        }

        frame = UnreadMemory.Slice(ThriftFormat.FrameHeaderBytes, size);
        Consume(ThriftFormat.FrameHeaderBytes + size);
        return true;
    }
}
