namespace KvCloud.Node.Transport;

/// <summary>Remembers, across restarts, the incarnation of each peer.</summary>
internal interface IIncarnationRegistry
{
    /// <summary>
    /// True if the node id is new, in which case the incarnation is durable before this returns, or if the incarnation
    /// is the one remembered. Throws <see cref="IOException"/> if it cannot be made durable. Any thread may call.
    /// </summary>
    bool TryAdmit(int nodeId, long incarnation);
}
