namespace KvCloud.Protocol.Wire;

/// <summary>The kind of a message: the low byte of its version word.</summary>
internal enum ThriftMessageKind : byte
{
    Call = 1,
    Reply = 2,
    Exception = 3,
}
