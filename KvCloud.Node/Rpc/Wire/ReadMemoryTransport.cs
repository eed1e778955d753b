using System.Diagnostics.CodeAnalysis;
using Thrift;
using Thrift.Transport;

namespace KvCloud.Node.Rpc.Wire;

/// <summary>Lets the generated code read one whole message in place. Every read completes synchronously.</summary>
[SuppressMessage("Reliability", "CA2215", Justification = "TTransport.Dispose(bool) is abstract.")]
internal sealed class ReadMemoryTransport : TTransport
{
    private ReadOnlyMemory<byte> _left;

    public override bool IsOpen => true;

    public override TConfiguration Configuration { get; } = new();

    public void Reset(ReadOnlyMemory<byte> message) => _left = message;

    public override ValueTask<int> ReadAllAsync(
        byte[] buffer, int offset, int length, CancellationToken cancellationToken) =>
        ReadAsync(buffer, offset, length, cancellationToken);

    public override ValueTask<int> ReadAsync(byte[] buffer, int offset, int length, CancellationToken cancellationToken)
    {
        CheckReadBytesAvailable(length);
        _left.Span[..length].CopyTo(buffer.AsSpan(offset));
        _left = _left[length..];
        return ValueTask.FromResult(length);
    }

    /// <summary>The protocol calls this before it allocates the length that the message claims.</summary>
    public override void CheckReadBytesAvailable(long numBytes)
    {
        if (numBytes < 0 || numBytes > _left.Length)
        {
            throw new TTransportException(
                TTransportException.ExceptionType.EndOfFile, "a field reaches beyond the end of the message");
        }
    }

    public override void UpdateKnownMessageSize(long size)
    {
        // The exact size is known from Reset.
    }

    public override void ResetMessageSizeAndConsumedBytes(long newSize = -1)
    {
        // See UpdateKnownMessageSize.
    }

    public override Task OpenAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public override void Close() => _left = default;

    public override Task WriteAsync(byte[] buffer, int offset, int length, CancellationToken cancellationToken) =>
        throw new NotSupportedException("this transport only reads");

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override void Dispose(bool disposing) => Close();
}
