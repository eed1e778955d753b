namespace KvCloud.Cli.Transfer;

/// <summary>Progress of a transfer. Thread-safe.</summary>
internal sealed class TransferTotals
{
    private long _done;
    private long _failed;
    private long _bytes;

    public long Done => Interlocked.Read(ref _done);

    public long Failed => Interlocked.Read(ref _failed);

    public long Bytes => Interlocked.Read(ref _bytes);

    public void Succeeded(long bytes)
    {
        Interlocked.Increment(ref _done);
        Interlocked.Add(ref _bytes, bytes);
    }

    public void FailedOne() => Interlocked.Increment(ref _failed);
}
