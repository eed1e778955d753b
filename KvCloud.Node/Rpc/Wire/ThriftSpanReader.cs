using System.Buffers.Binary;
using Thrift.Protocol.Entities;

namespace KvCloud.Node.Rpc.Wire;

/// <summary>
/// Reads the fields of a message that <see cref="ThriftScanner"/> has found well-formed. For the hottest requests; the
/// others are read by the generated code.
/// </summary>
/// <remarks>Reading a field as another type than it has throws <see cref="ThriftContentException"/>.</remarks>
internal ref struct ThriftSpanReader(ReadOnlySpan<byte> message, int start)
{
    private readonly ReadOnlySpan<byte> _message = message;

    /// <summary>Offset in the message of the next byte.</summary>
    public int Position { get; private set; } = start;

    /// <summary>The next field of the struct; false at its end.</summary>
    public bool TryReadField(out TType type, out short id)
    {
        type = (TType)Take(1)[0];
        id = type == TType.Stop ? (short)0 : BinaryPrimitives.ReadInt16BigEndian(Take(2));
        return type != TType.Stop;
    }

    public int ReadI32() => BinaryPrimitives.ReadInt32BigEndian(Take(4));

    public long ReadI64() => BinaryPrimitives.ReadInt64BigEndian(Take(8));

    /// <summary>Where the bytes of a string or binary lie in the message.</summary>
    public Range ReadBinary()
    {
        int length = ReadI32();
        int from = Position;
        Take(length);
        return from..Position;
    }

    public void Skip(TType type)
    {
        switch (type)
        {
            case TType.Bool or TType.Byte:
                Take(1);
                break;
            case TType.I16:
                Take(2);
                break;
            case TType.I32:
                Take(4);
                break;
            case TType.I64 or TType.Double:
                Take(8);
                break;
            case TType.String:
                Take(ReadI32());
                break;
            case TType.Struct:
                while (TryReadField(out TType fieldType, out _))
                {
                    Skip(fieldType);
                }

                break;
            case TType.List or TType.Set:
                var elementType = (TType)Take(1)[0];
                for (int left = ReadI32(); left > 0; left--)
                {
                    Skip(elementType);
                }

                break;
            case TType.Map:
                var keyType = (TType)Take(1)[0];
                var valueType = (TType)Take(1)[0];
                for (int left = ReadI32(); left > 0; left--)
                {
                    Skip(keyType);
                    Skip(valueType);
                }

                break;
            default:
                throw new ThriftContentException($"unknown field type {(int)type}");
        }
    }

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length < 0 || length > _message.Length - Position)
        {
            throw new ThriftContentException("a field reaches beyond the end of the message");
        }

        ReadOnlySpan<byte> taken = _message.Slice(Position, length);
        Position += length;
        return taken;
    }
}
