namespace KvCloud.Node.Replication.Fairness;

/// <summary>
/// The calls of one caller, by however many connections: those of a user, of an address, or that a peer forwards. Flows
/// share a node's queues, and each counts here what it holds of them. (Kubernetes' API priority and fairness has the
/// word.)
/// </summary>
/// <param name="name">As error messages name it: <c>address 10.0.0.7</c>.</param>
internal class Flow(string name)
{
    private int _proposedWrites;
    private long _proposedBytes;

    public string Name => name;

    /// <summary>A write goes into consensus, or is answered and counts no more. Any thread.</summary>
    public void CountProposed(int writes, long bytes)
    {
        Interlocked.Add(ref _proposedWrites, writes);
        Interlocked.Add(ref _proposedBytes, bytes);
    }

    /// <summary>Writes that wait for a slot. Owned by the <see cref="DriverInbox"/>, under its lock.</summary>
    public int QueuedWrites { get; set; }

    /// <summary>
    /// Writes that it may have in consensus while others write too. A peer forwards for many.
    /// </summary>
    public int MaxProposedWrites { get; init; } = 64;

    /// <summary>Bytes of such writes; a single larger one may be there alone.</summary>
    public long MaxProposedBytes { get; init; } = 64 * 1024;

    /// <summary>Whether it has as many in consensus as it may while others write too.</summary>
    public bool IsAtProposedLimit => Volatile.Read(ref _proposedWrites) >= MaxProposedWrites
        || Interlocked.Read(ref _proposedBytes) >= MaxProposedBytes;

    /// <summary>Bytes of these writes. Owned by the <see cref="DriverInbox"/>, under its lock.</summary>
    public long QueuedWriteBytes { get; set; }
}
