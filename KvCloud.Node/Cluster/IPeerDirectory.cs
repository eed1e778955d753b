namespace KvCloud.Node.Cluster;

/// <summary>Tells where a replica is now. Asked anew before each connect, for a replica may have moved.</summary>
internal interface IPeerDirectory
{
    /// <summary>host:port of the replica's peer endpoint.</summary>
    /// <exception cref="PeerUnresolvedException">
    /// Nothing is known of it at the moment; the message says what was tried.
    /// </exception>
    ValueTask<string> ResolveAsync(int nodeId, CancellationToken cancellationToken);
}

/// <summary>A replica whose endpoint cannot be found at the moment. Trying again later may help.</summary>
internal sealed class PeerUnresolvedException(string message, Exception? inner = null) : Exception(message, inner);
