namespace KvCloud.Node.Replication.Fairness;

/// <summary>
/// The writes of one caller, by however many connections: those of a user, of an address, or that a peer forwards
/// without saying whose they are. Flows share a node's queues, and each counts here what it holds of them. (Kubernetes'
/// API priority and fairness has the word.)
/// </summary>
/// <param name="name">As error messages name it: <c>address 10.0.0.7</c>.</param>
internal sealed class Flow(string name)
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

    /// <summary>Its writes that wait for a slot. Owned by the <see cref="DriverInbox"/>, under its lock.</summary>
    public HeldWrites Queued;

    /// <summary>
    /// Its writes that wait for another node's answer. Owned by the <see cref="WriteForwarder"/>, under its lock.
    /// </summary>
    public HeldWrites Forwarded;

    /// <summary>How many parts of this node refer to it. Owned by <see cref="WriteFlows"/>, under its lock.</summary>
    public int Users { get; set; }

    /// <summary>When it had its last user. Owned by <see cref="WriteFlows"/>, under its lock.</summary>
    public long IdleSinceMs { get; set; }

    /// <summary>
    /// Writes that it may have in consensus while others write too. A peer that does not say whose writes it forwards
    /// forwards for many.
    /// </summary>
    public int MaxProposedWrites { get; init; } = 64;

    /// <summary>Bytes of such writes; a single larger one may be there alone.</summary>
    public long MaxProposedBytes { get; init; } = 64 * 1024;

    /// <summary>Whether it has as many in consensus as it may while others write too.</summary>
    public bool IsAtProposedLimit => Volatile.Read(ref _proposedWrites) >= MaxProposedWrites
        || Interlocked.Read(ref _proposedBytes) >= MaxProposedBytes;
}
