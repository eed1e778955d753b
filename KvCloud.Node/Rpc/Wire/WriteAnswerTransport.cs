using System.Diagnostics.CodeAnalysis;
using Thrift;
using Thrift.Transport;

namespace KvCloud.Node.Rpc.Wire;

/// <summary>Lets the generated code write into a connection's answers. Every write completes synchronously.</summary>
[SuppressMessage("Reliability", "CA2215", Justification = "TTransport.Dispose(bool) is abstract.")]
internal sealed class WriteAnswerTransport : TTransport
{
    /// <summary>The target; null while nothing is being written.</summary>
    public AnswerWriter? Answers { get; set; }

    public override bool IsOpen => true;

    public override TConfiguration Configuration { get; } = new();

    public override Task WriteAsync(byte[] buffer, int offset, int length, CancellationToken cancellationToken)
    {
        Answers!.Write(buffer.AsSpan(offset, length));
        return Task.CompletedTask;
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override ValueTask<int> ReadAsync(
        byte[] buffer, int offset, int length, CancellationToken cancellationToken) =>
        throw new NotSupportedException("this transport only writes");

    public override void CheckReadBytesAvailable(long numBytes) =>
        throw new NotSupportedException("this transport only writes");

    public override void UpdateKnownMessageSize(long size)
    {
        // Nothing is read, so the message size does not matter.
    }

    public override void ResetMessageSizeAndConsumedBytes(long newSize = -1)
    {
        // See UpdateKnownMessageSize.
    }

    public override Task OpenAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public override void Close()
    {
        // The answers belong to their connection.
    }

    protected override void Dispose(bool disposing) => Close();
}
