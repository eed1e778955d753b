using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace KvCloud.Protocol.Wire;

/// <summary>
/// Bytes on their way to or from a socket: written at the end, taken from the start. One pooled array, which grows as
/// it must and moves what is left to its front when room is short; none while nothing has been written. One thread at a
/// time.
/// </summary>
/// <param name="usualBytes">The size to begin with.</param>
/// <param name="keptBytes">An array larger than this goes back to the pool once it is empty.</param>
internal class WireBuffer(int usualBytes = 4096, int keptBytes = int.MaxValue)
{
    private byte[] _bytes = [];
    private int _start;
    private int _end;

    public int Length => _end - _start;

    /// <summary>What was written and not consumed. Good until the next write.</summary>
    public ReadOnlySpan<byte> Unread => _bytes.AsSpan(_start, _end - _start);

    /// <inheritdoc cref="Unread"/>
    public ReadOnlyMemory<byte> UnreadMemory => _bytes.AsMemory(_start, _end - _start);

    /// <summary>Room for <paramref name="size"/> bytes or more; <see cref="Advance"/> tells how many it took.</summary>
    public Span<byte> GetSpan(int size)
    {
        EnsureRoom(size);
        return _bytes.AsSpan(_end);
    }

    /// <summary>Grows once for what several writes will need.</summary>
    public void EnsureRoom(int size)
    {
        if (_bytes.Length - _end < size)
        {
            MakeRoom(size);
        }
    }

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(_bytes.Length - _end));
        _end += count;
    }

    public void Write(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Reserve(bytes.Length));

    public void WriteByte(byte value) => Reserve(1)[0] = value;

    public void WriteInt32(int value) => BinaryPrimitives.WriteInt32BigEndian(Reserve(4), value);

    /// <summary>
    /// The first <paramref name="count"/> bytes are done with; they stay in place until the next write.
    /// </summary>
    public void Consume(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)Length);
        _start += count;
        if (_start == _end)
        {
            _start = 0;
            _end = 0;
        }
    }

    /// <summary>Forgets all that is unread.</summary>
    public void Clear()
    {
        _start = 0;
        _end = 0;
        if (_bytes.Length > keptBytes)
        {
            Release();
        }
    }

    /// <summary>Forgets all that is unread and gives the array back to the pool.</summary>
    public void Release()
    {
        byte[] bytes = _bytes;
        _bytes = [];
        _start = 0;
        _end = 0;
        if (bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    /// <summary>The next bytes to be written, all of which count as written at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected Span<byte> Reserve(int size)
    {
        if (_bytes.Length - _end < size)
        {
            MakeRoom(size);
        }

        Span<byte> span = _bytes.AsSpan(_end, size);
        _end += size;
        return span;
    }

    /// <summary>Unread bytes from <paramref name="offset"/> on, to be written over.</summary>
    protected Span<byte> Rewrite(int offset) => _bytes.AsSpan(_start + offset, Length - offset);

    /// <summary>Takes back what was written beyond <paramref name="length"/> unread bytes.</summary>
    protected void Truncate(int length) => _end = _start + length;

    /// <summary>
    /// Moves what is unread to the front and sees to <paramref name="size"/> bytes of room behind it: in a larger array
    /// where it must be, in one of the usual size where that will do again. Returns all the room there is.
    /// </summary>
    protected Memory<byte> MakeRoom(int size)
    {
        int length = Length;
        int needed = checked(length + size);
        bool tooSmall = _bytes.Length < needed;
        bool tooLarge = _bytes.Length > keptBytes && needed <= usualBytes;
        if (tooSmall || tooLarge)
        {
            long wanted = tooLarge ? usualBytes : Math.Max(Math.Max(needed, usualBytes), 2L * _bytes.Length);
            byte[] other = ArrayPool<byte>.Shared.Rent((int)Math.Min(wanted, Array.MaxLength));
            Unread.CopyTo(other);
            Release();
            _bytes = other;
        }
        else if (_start > 0)
        {
            Unread.CopyTo(_bytes);
        }

        _start = 0;
        _end = length;
        return _bytes.AsMemory(_end);
    }
}
