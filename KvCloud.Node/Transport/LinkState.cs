namespace KvCloud.Node.Transport;

/// <summary>What one who sends to a peer and expects an answer must know.</summary>
/// <param name="IsConnected">Both directions have their connection.</param>
/// <param name="LossEpoch">
/// Rises with every message dropped and every connection ended in either direction. While it stays the same, whatever
/// was sent since is not known to be lost.
/// </param>
internal readonly record struct LinkState(bool IsConnected, long LossEpoch);
