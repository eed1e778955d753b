namespace KvCloud.Backup.Source;

/// <summary>A replica did not give what it was asked for; the message names it.</summary>
internal sealed class SourceException(SourceFailure failure, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    public SourceFailure Failure { get; } = failure;
}
