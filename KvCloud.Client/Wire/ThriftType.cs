namespace KvCloud.Client.Wire;

/// <summary>Type tags of the Thrift binary protocol, as far as the contract uses them.</summary>
internal static class ThriftType
{
    public const byte Stop = 0;
    public const byte Bool = 2;
    public const byte Byte = 3;
    public const byte Double = 4;
    public const byte I16 = 6;
    public const byte I32 = 8;
    public const byte I64 = 10;
    public const byte String = 11;
    public const byte Struct = 12;
    public const byte Map = 13;
    public const byte Set = 14;
    public const byte List = 15;
    public const byte Uuid = 16;

    public const byte CallMessage = 1;
    public const byte ReplyMessage = 2;
    public const byte ExceptionMessage = 3;
}
