namespace KvCloud.Protocol.Wire;

/// <summary>Sizes and constants of Thrift's strict binary protocol that reader, writer and scanner share.</summary>
internal static class ThriftFormat
{
    /// <summary>The version word of a strict binary message, less its <see cref="ThriftMessageKind"/>.</summary>
    public const uint Version1 = 0x8001_0000;
    public const uint VersionMask = 0xffff_0000;

    /// <summary>The length before each message of a framed connection.</summary>
    public const int FrameHeaderBytes = 4;

    /// <summary>A message's header without its name: version word, length of the name, sequence id.</summary>
    public const int MessageHeaderBytes = 12;

    /// <summary>Type and id.</summary>
    public const int FieldHeaderBytes = 3;

    /// <summary>The length before a string or binary.</summary>
    public const int LengthBytes = 4;

    /// <summary>Bytes of a value of this type where all its values have the same number; else 0.</summary>
    public static int FixedSize(ThriftType type) => type switch
    {
        ThriftType.Bool or ThriftType.Byte => 1,
        ThriftType.I16 => 2,
        ThriftType.I32 => 4,
        ThriftType.I64 or ThriftType.Double => 8,
        _ => 0,
    };
}
