namespace KvCloud.Node.Transport;

/// <summary>
/// The received bytes are not a frame of this protocol; the message says what was wrong. The connection is closed.
/// </summary>
internal sealed class MalformedFrameException(string message) : Exception(message);
