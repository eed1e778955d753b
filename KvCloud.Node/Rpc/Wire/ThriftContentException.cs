namespace KvCloud.Node.Rpc.Wire;

/// <summary>
/// A message is well-formed but does not match its method: a required field is missing or has another type. The client
/// gets a TApplicationException ProtocolError, and the connection stays open.
/// </summary>
internal sealed class ThriftContentException(string message, Exception? inner = null) : Exception(message, inner);
