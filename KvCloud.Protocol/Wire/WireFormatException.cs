namespace KvCloud.Protocol.Wire;

/// <summary>What came is not what the protocol says; the connection it came by cannot be trusted any more.</summary>
internal sealed class WireFormatException(string message) : Exception(message);
