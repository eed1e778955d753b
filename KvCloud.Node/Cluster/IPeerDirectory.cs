namespace KvCloud.Node.Cluster;

/// <summary>
/// Resolves where a replica is now. Called again before each connect, because a replica may have moved.
/// </summary>
internal interface IPeerDirectory
{
    /// <summary>host:port of the replica's peer endpoint.</summary>
    /// <exception cref="PeerUnresolvedException">
    /// The replica's endpoint is not known at the moment; the message says what was tried.
    /// </exception>
    ValueTask<string> ResolveAsync(int nodeId, CancellationToken cancellationToken);
}

/// <summary>A replica whose endpoint cannot be resolved at the moment. A later attempt may succeed.</summary>
internal sealed class PeerUnresolvedException(string message, Exception? inner = null) : Exception(message, inner);
