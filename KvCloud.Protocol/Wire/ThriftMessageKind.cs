namespace KvCloud.Protocol.Wire;

/// <summary>What a message is; the low byte of its version word.</summary>
internal enum ThriftMessageKind : byte
{
    Call = 1,
    Reply = 2,
    Exception = 3,
}
