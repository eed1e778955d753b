namespace KvCloud.Node.Transport;

/// <summary>The answer to an accepted Hello.</summary>
/// <param name="Version">The version of every frame that follows on this connection.</param>
internal sealed record Welcome(byte Version, PeerIdentity Identity);
