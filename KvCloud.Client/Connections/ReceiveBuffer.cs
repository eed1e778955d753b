using System.Buffers;
using System.Buffers.Binary;
using KvCloud.Client.Wire;

namespace KvCloud.Client.Connections;

/// <summary>Bytes from the socket, cut into frames. Grows for a large answer and shrinks behind it.</summary>
internal sealed class ReceiveBuffer(int maxFrameBytes) : IDisposable
{
    private const int UsualSizeBytes = 64 * 1024;
    private const int HeaderSizeBytes = 4;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(UsualSizeBytes);
    private int _start;
    private int _end;
    private int _wanted;

    /// <summary>Where the next bytes may go; never empty after <see cref="MakeRoom"/>.</summary>
    public Memory<byte> Free => _buffer.AsMemory(_end);

    public void Add(int count) => _end += count;

    /// <summary>The next whole frame without its length; valid until <see cref="MakeRoom"/>.</summary>
    public bool TryTakeFrame(out ReadOnlyMemory<byte> frame)
    {
        frame = default;
        _wanted = 0;
        int available = _end - _start;
        if (available < HeaderSizeBytes)
        {
            return false;
        }

        int size = BinaryPrimitives.ReadInt32BigEndian(_buffer.AsSpan(_start));
        if (size <= 0 || size > maxFrameBytes)
        {
            throw new WireFormatException(
                $"an answer of {(uint)size} bytes is announced; the limit MaxResponseBytes is {maxFrameBytes}");
        }

        if (available < HeaderSizeBytes + size)
        {
            _wanted = HeaderSizeBytes + size;
            return false;
        }

        frame = _buffer.AsMemory(_start + HeaderSizeBytes, size);
        _start += HeaderSizeBytes + size;
        return true;
    }

    /// <summary>Moves what is left to the front, into a larger or smaller array where that is called for.</summary>
    public void MakeRoom()
    {
        int left = _end - _start;
        int size = Math.Max(UsualSizeBytes, _wanted);
        bool tooSmall = _buffer.Length < size;
        bool tooLarge = _buffer.Length > 4 * UsualSizeBytes && size == UsualSizeBytes;
        if (tooSmall || tooLarge)
        {
            byte[] other = ArrayPool<byte>.Shared.Rent(Math.Max(size, left + 1));
            _buffer.AsSpan(_start, left).CopyTo(other);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = other;
        }
        else if (left > 0 && _start > 0)
        {
            _buffer.AsSpan(_start, left).CopyTo(_buffer);
        }

        _start = 0;
        _end = left;
    }

    public void Dispose()
    {
        byte[] buffer = _buffer;
        _buffer = [];
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
