namespace KvCloud.Backup.Reading;

/// <summary>How far the reading of an archive has got. Written by who reads, read by who shows it.</summary>
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
