using System.Buffers.Binary;
using System.Text;

namespace KvCloud.Bench.Wire;

/// <summary>What matters of a reply.</summary>
internal readonly record struct ThriftReply(int Sequence, bool Success, int Code, string? Error, long Version);

/// <summary>
/// Walks one strict binary reply without building objects: the first bool of the result tells success (or found), field 100 the code,
/// 102 (4 of a commit) the version; all else is skipped.
/// </summary>
internal ref struct ThriftReader(ReadOnlySpan<byte> input)
{
    private const int ReplyType = 2;
    private const int ExceptionType = 3;
    private const int DeepestNesting = 16;

    private readonly ReadOnlySpan<byte> _input = input;
    private int _at;

    public readonly int Consumed => _at;

    /// <summary>False when the reply is not all there yet.</summary>
    public bool TryReadReply(out ThriftReply reply)
    {
        reply = default;
        if (!TryReadInt32(out int header))
        {
            return false;
        }

        int type = header & 0xFF;
        if ((uint)header >> 16 != 0x8001 || type is not (ReplyType or ExceptionType))
        {
            throw new WireException($"the server's message begins with {header:x8}, which is no strict binary reply");
        }

        if (!TrySkipString(out _) || !TryReadInt32(out int sequence))
        {
            return false;
        }

        return type == ReplyType
            ? TryReadResult(sequence, out reply)
            : TryReadException(sequence, out reply);
    }

    private bool TryReadException(int sequence, out ThriftReply reply)
    {
        // TApplicationException: 1 is its message.
        reply = default;
        string? message = null;
        while (TryReadField(out byte type, out short id))
        {
            if (type == 0)
            {
                reply = new ThriftReply(sequence, false, 0, message ?? "the server answered with an exception", 0);
                return true;
            }

            if (type == 11 && id == 1)
            {
                if (!TrySkipString(out ReadOnlySpan<byte> text))
                {
                    return false;
                }

                message = Encoding.UTF8.GetString(text);
            }
            else if (!TrySkip(type, 0))
            {
                return false;
            }
        }

        return false;
    }

    private bool TryReadResult(int sequence, out ThriftReply reply)
    {
        reply = default;
        if (!TryReadField(out byte type, out _))
        {
            return false;
        }

        if (type != 12)
        {
            throw new WireException("the server's reply holds no result");
        }

        bool success = false;
        bool seenSuccess = false;
        int code = 0;
        string? error = null;
        long version = 0;
        while (TryReadField(out type, out short id))
        {
            switch (type)
            {
                case 0:
                    reply = new ThriftReply(sequence, success, code, error, version);
                    return TryReadByte(out _);
                case 2 when !seenSuccess:
                    seenSuccess = true;
                    if (!TryReadByte(out byte flag))
                    {
                        return false;
                    }

                    success = flag != 0;
                    break;
                case 8 when id == 100:
                    if (!TryReadInt32(out code))
                    {
                        return false;
                    }

                    break;
                case 10 when id is 102 or 4:
                    if (!TryReadInt64(out version))
                    {
                        return false;
                    }

                    break;
                case 11 when seenSuccess && id is 2 or 3 && error is null:
                    // The error's text follows the success flag in every response; the value of a get goes before it.
                    if (!TrySkipString(out ReadOnlySpan<byte> text))
                    {
                        return false;
                    }

                    error = Encoding.UTF8.GetString(text);
                    break;
                default:
                    if (!TrySkip(type, 0))
                    {
                        return false;
                    }

                    break;
            }
        }

        return false;
    }

    private bool TrySkip(byte type, int depth)
    {
        if (depth > DeepestNesting)
        {
            throw new WireException("the server's reply is nested too deeply");
        }

        switch (type)
        {
            case 2 or 3:
                return TryAdvance(1);
            case 6:
                return TryAdvance(2);
            case 8:
                return TryAdvance(4);
            case 4 or 10:
                return TryAdvance(8);
            case 11:
                return TrySkipString(out _);
            case 12:
                return TrySkipStruct(depth);
            case 13:
                return TryReadByte(out byte keyType) && TryReadByte(out byte valueType)
                    && TryReadInt32(out int pairs) && TrySkipMany(pairs, keyType, valueType, depth);
            case 14 or 15:
                return TryReadByte(out byte elementType)
                    && TryReadInt32(out int count) && TrySkipMany(count, elementType, 0, depth);
            default:
                throw new WireException($"the server's reply has a field of unknown type {type}");
        }
    }

    private bool TrySkipStruct(int depth)
    {
        while (TryReadField(out byte type, out _))
        {
            if (type == 0)
            {
                return true;
            }

            if (!TrySkip(type, depth + 1))
            {
                return false;
            }
        }

        return false;
    }

    private bool TrySkipMany(int count, byte first, byte second, int depth)
    {
        for (int i = 0; i < count; i++)
        {
            if (!TrySkip(first, depth + 1) || (second != 0 && !TrySkip(second, depth + 1)))
            {
                return false;
            }
        }

        return true;
    }

    private bool TryReadField(out byte type, out short id)
    {
        id = 0;
        if (!TryReadByte(out type))
        {
            return false;
        }

        if (type == 0)
        {
            return true;
        }

        if (_input.Length - _at < 2)
        {
            return false;
        }

        id = BinaryPrimitives.ReadInt16BigEndian(_input[_at..]);
        _at += 2;
        return true;
    }

    private bool TrySkipString(out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (!TryReadInt32(out int length))
        {
            return false;
        }

        if (length < 0)
        {
            throw new WireException($"the server's reply has a string of {length} bytes");
        }

        int start = _at;
        if (!TryAdvance(length))
        {
            return false;
        }

        bytes = _input.Slice(start, length);
        return true;
    }

    private bool TryReadByte(out byte value)
    {
        value = 0;
        if (_at >= _input.Length)
        {
            return false;
        }

        value = _input[_at++];
        return true;
    }

    private bool TryReadInt32(out int value)
    {
        if (!BinaryPrimitives.TryReadInt32BigEndian(_input[_at..], out value))
        {
            return false;
        }

        _at += 4;
        return true;
    }

    private bool TryReadInt64(out long value)
    {
        if (!BinaryPrimitives.TryReadInt64BigEndian(_input[_at..], out value))
        {
            return false;
        }

        _at += 8;
        return true;
    }

    private bool TryAdvance(int count)
    {
        if (_input.Length - _at < count)
        {
            return false;
        }

        _at += count;
        return true;
    }
}
