namespace KvCloud.Node.Transport;

/// <summary>What a sender that expects an answer from a peer must know.</summary>
/// <param name="IsConnected">Both directions are connected.</param>
/// <param name="LossEpoch">Increases with every message dropped and every connection ended in either direction. While
/// it is unchanged, no message sent since is known to be lost.</param>
internal readonly record struct LinkState(bool IsConnected, long LossEpoch);
