using System.Buffers;
using System.Buffers.Binary;

namespace KvCloud.Node.Rpc.Wire;

/// <summary>
/// Gathers a connection's answers until they are sent together. Used by one thread at a time: the one that holds the output lock.
/// Holds no memory while nothing waits: most connections are idle most of the time.
/// </summary>
internal sealed class AnswerWriter
{
    private const int FrameHeaderBytes = 4;
    private const int InitialBytes = 1024;

    private byte[] _buffer = [];
    private int _count;

    /// <summary>Whether the client frames its messages; the answers are framed as the requests are.</summary>
    public bool IsFramed { get; set; }

    /// <summary>What was written and is not sent. Good until the next write.</summary>
    public ReadOnlyMemory<byte> Unsent => _buffer.AsMemory(0, _count);

    /// <summary>Writes a whole message.</summary>
    public void WriteMessage(ReadOnlySpan<byte> message)
    {
        Begin(message.Length);
        Write(message);
    }

    /// <summary>
    /// Starts a message of exactly <paramref name="messageBytes"/>, which the caller then writes by
    /// <see cref="Write"/>, or <see cref="GetSpan"/> and <see cref="Advance"/>.
    /// </summary>
    public void Begin(int messageBytes)
    {
        Reserve(FrameHeaderBytes + messageBytes);
        if (IsFramed)
        {
            BinaryPrimitives.WriteInt32BigEndian(_buffer.AsSpan(_count), messageBytes);
            _count += FrameHeaderBytes;
        }
    }

    public Span<byte> GetSpan(int sizeHint)
    {
        Reserve(sizeHint);
        return _buffer.AsSpan(_count);
    }

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _buffer.Length - _count);
        _count += count;
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(GetSpan(bytes.Length));
        _count += bytes.Length;
    }

    /// <summary>What waited is sent, or will never be.</summary>
    public void Clear()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }

        _buffer = [];
        _count = 0;
    }

    private void Reserve(int bytes)
    {
        if (bytes <= _buffer.Length - _count)
        {
            return;
        }

        long wanted = Math.Max(checked(_count + bytes), Math.Max(InitialBytes, _buffer.Length * 2L));
        byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(wanted, Array.MaxLength));
        _buffer.AsSpan(0, _count).CopyTo(larger);
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }

        _buffer = larger;
    }
}
