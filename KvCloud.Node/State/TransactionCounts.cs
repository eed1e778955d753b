namespace KvCloud.Node.State;

/// <summary>Transactions applied since this process started. Only apply writes them; any thread may read.</summary>
internal sealed class TransactionCounts
{
    private long _committed;
    private long _refused;

    public long Committed
    {
        get => Volatile.Read(ref _committed);
        set => Volatile.Write(ref _committed, value);
    }

    /// <summary>Refused because of a conflict, or a read version that was too old.</summary>
    public long Refused
    {
        get => Volatile.Read(ref _refused);
        set => Volatile.Write(ref _refused, value);
    }
}
