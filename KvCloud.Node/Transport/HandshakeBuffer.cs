namespace KvCloud.Node.Transport;

/// <summary>
/// Collects the single frame of a handshake, however its bytes arrive, and takes no byte beyond it: an unknown peer
/// makes this node hold at most <see cref="Handshake.MaxFrameBytes"/>.
/// </summary>
internal sealed class HandshakeBuffer
{
    private readonly byte[] _bytes = new byte[Handshake.MaxFrameBytes];
    private int _count;
    private int _needed = Transport.Frame.HeaderBytes;

    /// <summary>The frame, once it is complete.</summary>
    public ReadOnlySpan<byte> Frame => _bytes.AsSpan(0, _count);

    /// <summary>Where to receive into; never empty until the frame is complete.</summary>
    public Memory<byte> Free() => _bytes.AsMemory(_count, _needed - _count);

    /// <summary>
    /// Accounts for bytes received into <see cref="Free"/>; true once the frame is complete. Throws
    /// <see cref="MalformedFrameException"/> as soon as a byte cannot belong to a handshake.
    /// </summary>
    public bool Advance(int count)
    {
        _count += count;
        int size = Transport.Frame.SizeOf(Frame, Handshake.FrameVersion, Handshake.MaxFrameBytes);
        if (size > 0)
        {
            _needed = size;
        }

        return _count == size;
    }
}
