using System.Buffers;

namespace KvCloud.Node.Transport;

/// <summary>
/// Frames waiting to be sent, in pooled chunks; a frame never spans two. The owner locks. Tracks whether the first
/// frame has been sent in part, because the rest of it must then be sent before anything else.
/// </summary>
/// <param name="chunkBytes">A larger frame gets its own chunk.</param>
internal sealed class OutgoingBuffer(int chunkBytes = OutgoingBuffer.DefaultChunkBytes)
{
    public const int DefaultChunkBytes = 256 * 1024;

    private readonly Queue<Chunk> _chunks = new();
    private Chunk? _tail;

    public long Bytes { get; private set; }

    public int Frames { get; private set; }

    /// <summary>Remaining bytes of a partly sent frame; 0 between frames.</summary>
    public int StartedFrameBytes { get; private set; }

    /// <summary>Room for one more frame, which the caller must fill at once.</summary>
    public Span<byte> Append(int frameBytes)
    {
        if (_tail is null || _tail.Bytes.Length - _tail.End < frameBytes)
        {
            if (Bytes == 0 && _tail is not null)
            {
                // The drained chunk is too small for the frame. Left in front of it, it would make Peek return nothing.
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

    /// <summary>The bytes to send next, at most a chunk; empty only if nothing is queued.</summary>
    /// <param name="startedFrameOnly">Only the rest of a partly sent frame.</param>
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
    /// Removes the first bytes of the last <see cref="Peek"/>, which have been sent. Returns how many frames ended in
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

    /// <summary>Drops everything queued. Returns the number of frames dropped.</summary>
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
            // The usual case: everything is sent, and the same chunk is reused.
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
