using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace KvCloud.Protocol.Wire;

/// <summary>
/// Bytes read from or to be written to a socket: appended at the end, consumed from the start. Backed by one pooled
/// array that grows as needed and moves unread bytes to its front when space is short; no array is held until something
/// is written. Not thread-safe.
/// </summary>
/// <param name="usualBytes">The initial size.</param>
/// <param name="keptBytes">A larger array is returned to the pool once it is empty.</param>
internal class WireBuffer(int usualBytes = 4096, int keptBytes = int.MaxValue)
{
    private byte[] _bytes = [];
    private int _start;
    private int _end;

    public int Length => _end - _start;

    /// <summary>The bytes written and not consumed. Valid until the next write.</summary>
    public ReadOnlySpan<byte> Unread => _bytes.AsSpan(_start, _end - _start);

    /// <inheritdoc cref="Unread"/>
    public ReadOnlyMemory<byte> UnreadMemory => _bytes.AsMemory(_start, _end - _start);

    /// <summary>
    /// A span of at least <paramref name="size"/> bytes; <see cref="Advance"/> commits what was written into it.
    /// </summary>
    public Span<byte> GetSpan(int size)
    {
        EnsureRoom(size);
        return _bytes.AsSpan(_end);
    }

    /// <summary>Grows once for several writes that follow.</summary>
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

    /// <summary>Consumes the first <paramref name="count"/> bytes; they stay in place until the next write.</summary>
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

    /// <summary>Drops all unread bytes.</summary>
    public void Clear()
    {
        _start = 0;
        _end = 0;
        if (_bytes.Length > keptBytes)
        {
            Release();
        }
    }

    /// <summary>Drops all unread bytes and returns the array to the pool.</summary>
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

    /// <summary>Appends <paramref name="size"/> bytes for the caller to fill in.</summary>
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

    /// <summary>Unread bytes from <paramref name="offset"/> on, to be overwritten.</summary>
    protected Span<byte> Rewrite(int offset) => _bytes.AsSpan(_start + offset, Length - offset);

    /// <summary>Removes everything after the first <paramref name="length"/> unread bytes.</summary>
    protected void Truncate(int length) => _end = _start + length;

    /// <summary>
    /// Moves unread bytes to the front and ensures <paramref name="size"/> bytes of space after them, in a larger array
    /// if necessary or in one of the initial size if that suffices again. Returns all free space.
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
