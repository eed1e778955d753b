namespace KvCloud.Node.Transport;

/// <summary>One of the two sides will not talk to the other. The message is the reason, as both log it.</summary>
/// <param name="isTransient">It may be over at the next attempt: a disk that is full, not a configuration that
/// differs.</param>
internal sealed class HandshakeRefusedException(string reason, bool isTransient = false) : Exception(reason)
{
    public bool IsTransient => isTransient;
}
