namespace KvCloud.Node.Operations;

/// <summary>
/// Reads what <see cref="ByteWriter"/> wrote. Returns slices of the memory it was given; never throws on bad input.
/// </summary>
internal ref struct ByteReader(ReadOnlyMemory<byte> memory)
{
    private readonly ReadOnlySpan<byte> _span = memory.Span;
    private int _position;

    public readonly int Remaining => _span.Length - _position;

    public readonly bool IsAtEnd => _position == _span.Length;

    public readonly ReadOnlyMemory<byte> Rest => memory[_position..];

    public bool TryReadByte(out byte value)
    {
        if (_position >= _span.Length)
        {
            value = 0;
            return false;
        }

        value = _span[_position++];
        return true;
    }

    /// <summary>Unsigned LEB128 of at most 63 bits, so that the value always fits a non-negative long.</summary>
    public bool TryReadNumber(out long value)
    {
        ulong result = 0;
        for (int shift = 0; shift < 63; shift += 7)
        {
            if (!TryReadByte(out byte next))
            {
                break;
            }

            result |= (ulong)(next & 0x7F) << shift;
            if ((next & 0x80) == 0)
            {
                value = (long)result;
                return true;
            }
        }

        value = 0;
        return false;
    }

    /// <summary>A byte string with its length in front.</summary>
    public bool TryReadBytes(out ReadOnlyMemory<byte> bytes)
    {
        if (!TryReadNumber(out long length) || length > Remaining)
        {
            bytes = default;
            return false;
        }

        bytes = memory.Slice(_position, (int)length);
        _position += (int)length;
        return true;
    }
}
