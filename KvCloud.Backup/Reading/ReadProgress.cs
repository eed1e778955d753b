namespace KvCloud.Backup.Reading;

/// <summary>Progress of reading an archive. The reading tasks write it, the display reads it.</summary>
internal sealed class ReadProgress
{
    private long _totalBytes;
    private long _doneBytes;

    public long TotalBytes
    {
        get => Volatile.Read(ref _totalBytes);
        set => Volatile.Write(ref _totalBytes, value);
    }

    public long DoneBytes => Volatile.Read(ref _doneBytes);

    public void Done(long bytes) => Interlocked.Add(ref _doneBytes, bytes);
}
