namespace KvCloud.Node.Transport;

/// <summary>
/// Bytes received and not yet decoded. Grows only as bytes actually arrive, by doubling, so that a merely claimed
/// length costs nothing; the caller has checked the claim against the limit by then.
/// </summary>
/// <remarks>
/// Separate from the WireBuffer of Protocol/Wire: the frames of replicas are another protocol (adr/0002), and the few
/// connections between replicas each keep an array.
/// </remarks>
internal sealed class ReceiveBuffer(int initialBytes = ReceiveBuffer.DefaultBytes)
{
    public const int DefaultBytes = 256 * 1024;

    private byte[] _bytes = GC.AllocateUninitializedArray<byte>(initialBytes);
    private int _start;
    private int _end;

    public ReadOnlySpan<byte> Unread => _bytes.AsSpan(_start, _end - _start);

    /// <summary>Where to receive into; never empty.</summary>
    public Span<byte> Free()
    {
        if (_start == _end)
        {
            _start = 0;
            _end = 0;
            if (_bytes.Length > initialBytes)
            {
                _bytes = GC.AllocateUninitializedArray<byte>(initialBytes);
            }
        }
        else if (_end == _bytes.Length)
        {
            MakeRoom();
        }

        return _bytes.AsSpan(_end);
    }

    public void Received(int count) => _end += count;

    public void Consume(int count) => _start += count;

    private void MakeRoom()
    {
        int unread = _end - _start;
        byte[] target = unread > _bytes.Length / 2
            ? GC.AllocateUninitializedArray<byte>(checked(_bytes.Length * 2))
            : _bytes;
        _bytes.AsSpan(_start, unread).CopyTo(target);
        _bytes = target;
        _start = 0;
        _end = unread;
    }
}
