using System.Buffers.Binary;
using System.Text;

namespace KvCloud.Protocol.Wire;

/// <summary>
/// Reads the strict binary protocol from one whole message in place. Malformed input throws
/// <see cref="WireFormatException"/>; a message that <see cref="ThriftScanner"/> accepted is well-formed.
/// </summary>
internal ref struct ThriftReader(ReadOnlySpan<byte> message, int start = 0)
{
    private const int MaxDepth = 32;

    private readonly ReadOnlySpan<byte> _message = message;

    /// <summary>Offset of the next byte in the message.</summary>
    public int Position { get; private set; } = start;

    /// <summary>Reads a message header; the struct of the arguments or the result follows.</summary>
    public ThriftMessageKind MessageHeader(out ReadOnlySpan<byte> name, out int sequenceId)
    {
        uint version = (uint)I32();
        if ((version & ThriftFormat.VersionMask) != ThriftFormat.Version1)
        {
            throw new WireFormatException($"a message starts with {version:x8}, which is not strict binary");
        }

        name = Binary();
        sequenceId = I32();
        return (ThriftMessageKind)(byte)version;
    }

    /// <summary>Advances to the next field of a struct; false at its end.</summary>
    public bool NextField(out ThriftType type, out short id)
    {
        type = (ThriftType)Byte();
        id = type == ThriftType.Stop ? (short)0 : I16();
        return type != ThriftType.Stop;
    }

    public byte Byte() => Take(1)[0];

    public bool Bool() => Byte() != 0;

    public short I16() => BinaryPrimitives.ReadInt16BigEndian(Take(2));

    public int I32() => BinaryPrimitives.ReadInt32BigEndian(Take(4));

    public long I64() => BinaryPrimitives.ReadInt64BigEndian(Take(8));

    /// <summary>The bytes of a string or binary.</summary>
    public ReadOnlySpan<byte> Binary() => Take(I32());

    /// <summary>Position of the bytes of a string or binary in the message.</summary>
    public Range BinaryRange()
    {
        int length = Binary().Length;
        return (Position - length)..Position;
    }

    public byte[] BinaryArray()
    {
        ReadOnlySpan<byte> bytes = Binary();
        return bytes.IsEmpty ? [] : bytes.ToArray();
    }

    public string Text() => Encoding.UTF8.GetString(Binary());

    /// <summary>
    /// The number of elements of a list. Their type must be the expected one unless the list is empty.
    /// </summary>
    public int ListHeader(ThriftType elementType)
    {
        var type = (ThriftType)Byte();
        int count = Count();
        return type == elementType || count == 0
            ? count
            : throw new WireFormatException($"a list has elements of type {type} where {elementType} was expected");
    }

    public void Skip(ThriftType type) => Skip(type, 0);

    private void Skip(ThriftType type, int depth)
    {
        if (depth > MaxDepth)
        {
            throw new WireFormatException($"structs are nested deeper than {MaxDepth}");
        }

        switch (type)
        {
            case ThriftType.Bool or ThriftType.Byte or ThriftType.I16 or ThriftType.I32 or ThriftType.I64
                or ThriftType.Double:
                Take(ThriftFormat.FixedSize(type));
                break;
            case ThriftType.Uuid:
                Take(16);
                break;
            case ThriftType.String:
                Binary();
                break;
            case ThriftType.Struct:
                while (NextField(out ThriftType fieldType, out _))
                {
                    Skip(fieldType, depth + 1);
                }

                break;
            case ThriftType.List or ThriftType.Set:
                SkipElements((ThriftType)Byte(), null, depth);
                break;
            case ThriftType.Map:
                SkipElements((ThriftType)Byte(), (ThriftType)Byte(), depth);
                break;
            default:
                throw new WireFormatException($"unknown field type {(int)type}");
        }
    }

    private void SkipElements(ThriftType first, ThriftType? second, int depth)
    {
        int count = Count();
        for (int i = 0; i < count; i++)
        {
            Skip(first, depth + 1);
            if (second is { } valueType)
            {
                Skip(valueType, depth + 1);
            }
        }
    }

    /// <summary>
    /// Every element takes at least one byte, so the count is checked before anything is allocated for it.
    /// </summary>
    private int Count()
    {
        int count = I32();
        return count >= 0 && count <= _message.Length - Position
            ? count
            : throw new WireFormatException($"a collection of {count} elements does not fit into its message");
    }

    private ReadOnlySpan<byte> Take(int length)
    {
        // A negative length becomes a number above two billion here.
        int left = _message.Length - Position;
        if ((uint)length > (uint)left)
        {
            ThrowBeyondEnd(length, left);
        }

        ReadOnlySpan<byte> taken = _message.Slice(Position, length);
        Position += length;
        return taken;
    }

    private static void ThrowBeyondEnd(int length, int left) =>
        throw new WireFormatException($"{length} bytes are announced but only {left} are left");
}
