using System.Buffers;

namespace KvCloud.Node.Transport;

/// <summary>
/// Frames waiting to be sent, in pooled chunks; a frame never spans two. Its owner locks. Knows whether the frame at
/// its head has been sent in part, for then nothing else may go before the rest of it.
/// </summary>
/// <param name="chunkBytes">A larger frame gets a chunk of its own.</param>
internal sealed class OutgoingBuffer(int chunkBytes = OutgoingBuffer.DefaultChunkBytes)
{
    public const int DefaultChunkBytes = 256 * 1024;

    private readonly Queue<Chunk> _chunks = new();
    private Chunk? _tail;

    public long Bytes { get; private set; }

    public int Frames { get; private set; }

    /// <summary>Bytes left of the frame that was sent in part; 0 between frames.</summary>
    public int StartedFrameBytes { get; private set; }

    /// <summary>Room for one more frame, to be filled by the caller at once.</summary>
    public Span<byte> Append(int frameBytes)
    {
        if (_tail is null || _tail.Bytes.Length - _tail.End < frameBytes)
        {
            if (Bytes == 0 && _tail is not null)
            {
                // The drained chunk is too small for the frame; in front of it, it would give an empty Peek.
                ArrayPool<byte>.Shared.Return(_chunks.Dequeue().Bytes);
            }

            _tail = new Chunk(ArrayPool<byte>.Shared.Rent(Math.Max(chunkBytes, frameBytes)));
            _chunks.Enqueue(_tail);
        }

        Span<byte> frame = _tail.Bytes.AsSpan(_tail.End, frameBytes);
        _tail.End += frameBytes;
        Bytes += frameBytes;
        Frames++;
        return frame;
    }

    /// <summary>What to send next, at most a chunk; empty only if nothing waits.</summary>
    /// <param name="startedFrameOnly">Only the rest of the frame that was sent in part.</param>
    public ReadOnlySpan<byte> Peek(bool startedFrameOnly)
    {
        if (Bytes == 0)
        {
            return default;
        }

        Chunk head = _chunks.Peek();
        int available = Math.Min(head.End - head.Start, chunkBytes);
        return head.Bytes.AsSpan(head.Start, startedFrameOnly ? Math.Min(available, StartedFrameBytes) : available);
    }

    /// <summary>
    /// Forgets the first bytes of what <see cref="Peek"/> gave, for they are sent. Returns how many frames ended in
    /// them.
    /// </summary>
    public int Consume(int count)
    {
        Chunk head = _chunks.Peek();
        Bytes -= count;
        int finished = 0;
        while (count > 0)
        {
            if (StartedFrameBytes == 0)
            {
                StartedFrameBytes = Frame.SizeOfOwn(head.Bytes.AsSpan(head.Start));
            }

            int step = Math.Min(count, StartedFrameBytes);
            head.Start += step;
            StartedFrameBytes -= step;
            count -= step;
            finished += StartedFrameBytes == 0 ? 1 : 0;
        }

        Frames -= finished;
        if (head.Start == head.End)
        {
            Release(head);
        }

        return finished;
    }

    /// <summary>Gives up all that waits. Returns how many frames that were.</summary>
    public int Clear()
    {
        int dropped = Frames;
        foreach (Chunk chunk in _chunks)
        {
            ArrayPool<byte>.Shared.Return(chunk.Bytes);
        }

        _chunks.Clear();
        _tail = null;
        Bytes = 0;
        Frames = 0;
        StartedFrameBytes = 0;
        return dropped;
    }

    private void Release(Chunk drained)
    {
        if (drained == _tail && drained.Bytes.Length <= chunkBytes)
        {
            // The usual case: all is sent, and the same chunk takes what comes next.
            drained.Start = 0;
            drained.End = 0;
            return;
        }

        _chunks.Dequeue();
        ArrayPool<byte>.Shared.Return(drained.Bytes);
        if (drained == _tail)
        {
            _tail = null;
        }
    }

    private sealed class Chunk(byte[] bytes)
    {
        public byte[] Bytes { get; } = bytes;

        public int Start { get; set; }

        public int End { get; set; }
    }
}
