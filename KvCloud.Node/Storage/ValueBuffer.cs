using System.Buffers;

namespace KvCloud.Node.Storage;

/// <summary>
/// Receives the value of a point read: in the caller's scratch memory (usually its stack) if it fits, otherwise in a
/// pooled array. Dispose returns the array; the value is valid until then.
/// </summary>
internal ref struct ValueBuffer(Span<byte> scratch)
{
    private Span<byte> _space = scratch;
    private byte[]? _rented;
    private int _length;

    public readonly ReadOnlySpan<byte> Value => _space[.._length];

    /// <summary>The space available without renting more.</summary>
    public readonly Span<byte> Space => _space;

    /// <summary>Makes room for a value of this size, which the caller then fills in.</summary>
    public Span<byte> Take(int length)
    {
        if (length > _space.Length)
        {
            Dispose();
            _rented = ArrayPool<byte>.Shared.Rent(length);
            _space = _rented;
        }

        _length = length;
        return _space[..length];
    }

    public void Dispose()
    {
        if (_rented is not null)
        {
            ArrayPool<byte>.Shared.Return(_rented);
            _rented = null;
            _space = default;
            _length = 0;
        }
    }
}
