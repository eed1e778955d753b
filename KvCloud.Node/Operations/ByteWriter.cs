using System.Numerics;

namespace KvCloud.Node.Operations;

/// <summary>Writes into a span of sufficient size; the static members compute that size beforehand.</summary>
internal ref struct ByteWriter(Span<byte> destination)
{
    private readonly Span<byte> _destination = destination;
    private int _position;

    public readonly int Position => _position;

    public static int NumberSize(long value) => (BitOperations.Log2((ulong)value | 1) / 7) + 1;

    public static int BytesSize(int length) => NumberSize(length) + length;

    public void WriteByte(byte value) => _destination[_position++] = value;

    /// <summary>Unsigned LEB128. The value must not be negative.</summary>
    public void WriteNumber(long value)
    {
        ulong rest = checked((ulong)value);
        while (rest >= 0x80)
        {
            _destination[_position++] = (byte)(rest | 0x80);
            rest >>= 7;
        }

        _destination[_position++] = (byte)rest;
    }

    public void WriteBytes(scoped ReadOnlySpan<byte> bytes)
    {
        WriteNumber(bytes.Length);
        bytes.CopyTo(_destination[_position..]);
        _position += bytes.Length;
    }

    public void WriteText(string? text)
    {
        WriteNumber(text is null ? 0 : System.Text.Encoding.UTF8.GetByteCount(text));
        _position += text is null ? 0 : System.Text.Encoding.UTF8.GetBytes(text, _destination[_position..]);
    }
}
