using System.Buffers.Binary;

namespace KvCloud.Bench.Wire;

/// <summary>Bytes on their way: written at the end, taken from the start, moved to the front when room is short. One thread.</summary>
internal sealed class ByteBuffer(int capacity = 4096)
{
    private byte[] _bytes = new byte[capacity];
    private int _start;
    private int _end;

    public int Length => _end - _start;

    public ReadOnlySpan<byte> Unread => _bytes.AsSpan(_start, _end - _start);

    /// <summary>Room for <paramref name="size"/> bytes or more; <see cref="Advance"/> tells how many were used.</summary>
    public Span<byte> Room(int size)
    {
        if (_bytes.Length - _end < size)
        {
            MakeRoom(size);
        }

        return _bytes.AsSpan(_end);
    }

    public void Advance(int count) => _end += count;

    public void Consume(int count)
    {
        _start += count;
        if (_start == _end)
        {
            Clear();
        }
    }

    public void Clear()
    {
        _start = 0;
        _end = 0;
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        _end += bytes.Length;
    }

    public void WriteByte(byte value)
    {
        Room(1)[0] = value;
        _end++;
    }

    public void WriteInt32(int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(Room(4), value);
        _end += 4;
    }

    public void WriteInt64(long value)
    {
        BinaryPrimitives.WriteInt64BigEndian(Room(8), value);
        _end += 8;
    }

    /// <summary>Protocol Buffers' base 128, least significant group first.</summary>
    public void WriteVarint(ulong value)
    {
        Span<byte> room = Room(10);
        int i = 0;
        while (value >= 0x80)
        {
            room[i++] = (byte)(value | 0x80);
            value >>= 7;
        }

        room[i++] = (byte)value;
        _end += i;
    }

    private void MakeRoom(int size)
    {
        int length = Length;
        byte[] target = _bytes.Length - length >= size ? _bytes : new byte[Math.Max(_bytes.Length * 2, length + size)];
        Buffer.BlockCopy(_bytes, _start, target, 0, length);
        _bytes = target;
        _start = 0;
        _end = length;
    }
}
