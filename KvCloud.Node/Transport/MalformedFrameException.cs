namespace KvCloud.Node.Transport;

/// <summary>
/// What was received is not a frame of this protocol; the message names what was wrong. The connection is closed.
/// </summary>
internal sealed class MalformedFrameException(string message) : Exception(message);
