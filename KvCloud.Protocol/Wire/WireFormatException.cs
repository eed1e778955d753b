namespace KvCloud.Protocol.Wire;

/// <summary>The input violates the protocol; its connection cannot be trusted any more.</summary>
internal sealed class WireFormatException(string message) : Exception(message);
