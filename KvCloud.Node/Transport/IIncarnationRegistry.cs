namespace KvCloud.Node.Transport;

/// <summary>Remembers, across restarts, the incarnation of each peer.</summary>
internal interface IIncarnationRegistry
{
    /// <summary>
    /// True when the node id is new, and then the incarnation is durable before the return; or when it comes with the
    /// incarnation remembered. Throws <see cref="IOException"/> when it cannot be made durable. Any thread may call.
    /// </summary>
    bool TryAdmit(int nodeId, long incarnation);
}
