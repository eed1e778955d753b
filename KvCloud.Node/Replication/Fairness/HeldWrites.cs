using KvCloud.Node.Operations;

namespace KvCloud.Node.Replication.Fairness;

/// <summary>
/// Writes that a queue holds, or one caller of it, and their bytes: held to max_queued_writes and
/// max_queued_write_bytes, and to the caller's share of them. Owned by the queue, under its lock.
/// </summary>
internal struct HeldWrites
{
    public int Count;
    public long Bytes;

    public void Add(PendingWrite write)
    {
        Count++;
        Bytes += write.Command.Length;
    }

    public void Remove(PendingWrite write)
    {
        Count--;
        Bytes -= write.Command.Length;
    }

    /// <summary>The refusal of another write; null if there is room for it.</summary>
    /// <param name="flow">Whose write it is; null for one that counts against no caller's share.</param>
    /// <param name="own">What that caller holds of the queue.</param>
    /// <param name="what">What the queued writes do: <c>wait to be proposed</c>.</param>
    public readonly CommandResult? FindFull(
        int maxWrites, long maxBytes, Flow? flow, in HeldWrites own, string what)
    {
        string? full = Count >= maxWrites ? $"max_queued_writes: too many writes {what}"
            : Bytes >= maxBytes ? $"max_queued_write_bytes: too many writes {what}"
            : flow is null ? null
            : FairShare.IsUsedUp(own.Count, Count, maxWrites)
                ? "max_queued_writes: " + FairShare.Describe(flow.Name, own.Count, "waiting writes")
            : FairShare.IsUsedUp(own.Bytes, Bytes, maxBytes)
                ? "max_queued_write_bytes: " + FairShare.Describe(flow.Name, own.Bytes, "bytes of waiting writes")
            : null;
        return full is null ? null : new CommandResult(KvStatus.Overloaded, Message: $"{full}; nothing was written");
    }
}
