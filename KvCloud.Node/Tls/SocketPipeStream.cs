using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;

namespace KvCloud.Node.Tls;

/// <summary>
/// The ciphertext of a client's connection: what comes in is read from Kestrel's pipe, what goes out is written
/// straight into the socket, as answers in clear text are. Kestrel's output pipe would switch threads there.
/// </summary>
internal sealed class SocketPipeStream(PipeReader input, Socket socket) : Stream
{
    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>An empty buffer waits for bytes and takes none, so that a silent connection holds no buffer.</summary>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ReadResult read = await input.ReadAsync(cancellationToken).ConfigureAwait(false);
        ReadOnlySequence<byte> bytes = read.Buffer;
        if (read.IsCanceled)
        {
            input.AdvanceTo(bytes.Start, bytes.Start);
            throw new OperationCanceledException("the read was cancelled");
        }

        int count = (int)Math.Min(bytes.Length, buffer.Length);
        ReadOnlySequence<byte> taken = bytes.Slice(0, count);
        taken.CopyTo(buffer.Span);
        input.AdvanceTo(taken.End);
        return count;
    }

    public override async ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        await socket.SendAsync(buffer, SocketFlags.None, cancellationToken).ConfigureAwait(false);

    public override void Flush()
    {
        // Nothing is held back.
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
