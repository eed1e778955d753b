namespace KvCloud.Backup;

/// <summary>The archive cannot be reached now; a retry may succeed.</summary>
internal sealed class ArchiveUnavailableException : ArchiveException
{
    public ArchiveUnavailableException(string message)
        : base(message)
    {
    }

    public ArchiveUnavailableException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
