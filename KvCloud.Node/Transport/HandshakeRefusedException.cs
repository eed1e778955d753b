namespace KvCloud.Node.Transport;

/// <summary>One of the two sides will not talk to the other. The message is the reason, as both log it.</summary>
internal sealed class HandshakeRefusedException(string reason) : Exception(reason);
