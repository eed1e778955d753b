namespace KvCloud.Node.Transport;

/// <summary>One side refuses to talk to the other. The message is the reason, as both sides log it.</summary>
/// <param name="isTransient">The next attempt may succeed: for example a full disk, as opposed to a different
/// configuration.</param>
internal sealed class HandshakeRefusedException(string reason, bool isTransient = false) : Exception(reason)
{
    public bool IsTransient => isTransient;
}
