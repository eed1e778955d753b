namespace KvCloud.Backup;

/// <summary>The archive is damaged, or cannot be used as requested; the message names what is wrong.</summary>
internal class ArchiveException : Exception
{
    public ArchiveException(string message)
        : base(message)
    {
    }

    public ArchiveException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
