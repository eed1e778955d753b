using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;

namespace KvCloud.Node.Rpc.Wire;

/// <summary>Writes answers into a connection's output. Used by one thread at a time: the one that holds the pen.</summary>
internal sealed class AnswerWriter(PipeWriter output)
{
    private const int FrameHeaderBytes = 4;

    /// <summary>Whether the client frames its messages; the answers are framed as the requests are.</summary>
    public bool IsFramed { get; set; }

    /// <summary>Bytes written since the last flush.</summary>
    public long UnflushedBytes { get; private set; }

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
        if (IsFramed)
        {
            BinaryPrimitives.WriteInt32BigEndian(output.GetSpan(FrameHeaderBytes), messageBytes);
            Advance(FrameHeaderBytes);
        }
    }

    public Span<byte> GetSpan(int sizeHint) => output.GetSpan(sizeHint);

    public void Advance(int count)
    {
        output.Advance(count);
        UnflushedBytes += count;
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        output.Write(bytes);
        UnflushedBytes += bytes.Length;
    }

    public ValueTask<FlushResult> FlushAsync()
    {
        UnflushedBytes = 0;
        return output.FlushAsync(CancellationToken.None);
    }
}
