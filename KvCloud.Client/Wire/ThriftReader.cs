using System.Buffers.Binary;
using System.Text;

namespace KvCloud.Client.Wire;

/// <summary>Reads the Thrift binary protocol from one whole frame. Damage of any kind is a <see cref="WireFormatException"/>.</summary>
internal ref struct ThriftReader(ReadOnlySpan<byte> frame)
{
    private const int MaxDepth = 32;

    private readonly ReadOnlySpan<byte> _frame = frame;

    public int Position { get; private set; }

    public readonly bool AtEnd => Position == _frame.Length;

    public byte Byte() => Take(1)[0];

    public bool Bool() => Byte() != 0;

    public short I16() => BinaryPrimitives.ReadInt16BigEndian(Take(2));

    public int I32() => BinaryPrimitives.ReadInt32BigEndian(Take(4));

    public long I64() => BinaryPrimitives.ReadInt64BigEndian(Take(8));

    public ReadOnlySpan<byte> Binary() => Take(I32());

    public byte[] BinaryArray()
    {
        ReadOnlySpan<byte> bytes = Binary();
        return bytes.IsEmpty ? [] : bytes.ToArray();
    }

    public string Text() => Encoding.UTF8.GetString(Binary());

    /// <summary>The next field of a struct; false at its end.</summary>
    public bool NextField(out byte type, out short id)
    {
        type = Byte();
        id = type == ThriftType.Stop ? (short)0 : I16();
        return type != ThriftType.Stop;
    }

    public int ListHeader(byte elementType)
    {
        byte type = Byte();
        int count = I32();
        if (count < 0 || count > _frame.Length - Position)
        {
            throw new WireFormatException($"a list of {count} elements does not fit into its frame");
        }

        return type == elementType || count == 0
            ? count
            : throw new WireFormatException($"a list has elements of type {type} where {elementType} was expected");
    }

    public void Skip(byte type) => Skip(type, 0);

    private void Skip(byte type, int depth)
    {
        if (depth > MaxDepth)
        {
            throw new WireFormatException($"structs are nested deeper than {MaxDepth}");
        }

        switch (type)
        {
            case ThriftType.Bool or ThriftType.Byte:
                Take(1);
                break;
            case ThriftType.I16:
                Take(2);
                break;
            case ThriftType.I32:
                Take(4);
                break;
            case ThriftType.I64 or ThriftType.Double:
                Take(8);
                break;
            case ThriftType.Uuid:
                Take(16);
                break;
            case ThriftType.String:
                Binary();
                break;
            case ThriftType.Struct:
                while (NextField(out byte fieldType, out _))
                {
                    Skip(fieldType, depth + 1);
                }

                break;
            case ThriftType.List or ThriftType.Set:
                SkipElements(Byte(), null, depth);
                break;
            case ThriftType.Map:
                SkipElements(Byte(), Byte(), depth);
                break;
            default:
                throw new WireFormatException($"unknown field type {type}");
        }
    }

    private void SkipElements(byte first, byte? second, int depth)
    {
        int count = I32();
        if (count < 0 || count > _frame.Length - Position)
        {
            throw new WireFormatException($"a collection of {count} elements does not fit into its frame");
        }

        for (int i = 0; i < count; i++)
        {
            Skip(first, depth + 1);
            if (second is { } valueType)
            {
                Skip(valueType, depth + 1);
            }
        }
    }

    private ReadOnlySpan<byte> Take(int sizeBytes)
    {
        if (sizeBytes < 0 || sizeBytes > _frame.Length - Position)
        {
            throw new WireFormatException($"{sizeBytes} bytes are announced where {_frame.Length - Position} are left");
        }

        ReadOnlySpan<byte> span = _frame.Slice(Position, sizeBytes);
        Position += sizeBytes;
        return span;
    }
}
