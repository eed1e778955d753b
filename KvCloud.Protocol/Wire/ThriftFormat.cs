namespace KvCloud.Protocol.Wire;

/// <summary>Sizes and constants of Thrift's strict binary protocol, shared by reader, writer and scanner.</summary>
internal static class ThriftFormat
{
    /// <summary>The version word of a strict binary message without its <see cref="ThriftMessageKind"/>.</summary>
    public const uint Version1 = 0x8001_0000;
    public const uint VersionMask = 0xffff_0000;

    /// <summary>Size of the length that precedes each message of a framed connection.</summary>
    public const int FrameHeaderBytes = 4;

    /// <summary>Size of a message header without the name: version word, length of the name, sequence id.</summary>
    public const int MessageHeaderBytes = 12;

    /// <summary>Size of a field's type and id.</summary>
    public const int FieldHeaderBytes = 3;

    /// <summary>Size of the length that precedes a string or binary.</summary>
    public const int LengthBytes = 4;

    /// <summary>Size of a value of this type if it is fixed, else 0.</summary>
    public static int FixedSize(ThriftType type) => type switch
    {
        ThriftType.Bool or ThriftType.Byte => 1,
        ThriftType.I16 => 2,
        ThriftType.I32 => 4,
        ThriftType.I64 or ThriftType.Double => 8,
        _ => 0,
    };

    /// <summary>
    /// Whether an empty container may name this type. Apache's code refuses those that do not exist, and takes those
    /// of no value, Stop and Void.
    /// </summary>
    public static bool IsElementType(ThriftType type) => (byte)type is <= (byte)ThriftType.Uuid and not (5 or 7 or 9);
}
