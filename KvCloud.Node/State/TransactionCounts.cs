namespace KvCloud.Node.State;

/// <summary>Transactions applied since this program started. Written by apply alone, read by anybody.</summary>
internal sealed class TransactionCounts
{
    private long _committed;
    private long _refused;

    public long Committed
    {
        get => Volatile.Read(ref _committed);
        set => Volatile.Write(ref _committed, value);
    }

    /// <summary>By a conflict, or because the read version was too old.</summary>
    public long Refused
    {
        get => Volatile.Read(ref _refused);
        set => Volatile.Write(ref _refused, value);
    }
}
