namespace KvCloud.Backup.Source;

/// <summary>A request to a replica failed; the message names the replica.</summary>
internal sealed class SourceException(SourceFailure failure, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    public SourceFailure Failure { get; } = failure;
}
