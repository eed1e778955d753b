namespace KvCloud.Node.Rpc.Wire;

/// <summary>
/// A message is well-formed but not what its method takes: a required field is missing, or one has another type. The
/// caller hears a TApplicationException ProtocolError; the connection goes on.
/// </summary>
internal sealed class ThriftContentException(string message, Exception? inner = null) : Exception(message, inner);
