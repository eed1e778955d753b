namespace KvCloud.Backup;

/// <summary>The archive does not answer, or not now: the same may succeed later.</summary>
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
