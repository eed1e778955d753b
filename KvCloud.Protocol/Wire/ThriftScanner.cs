using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace KvCloud.Protocol.Wire;

/// <summary>
/// Finds the end of one strict binary message as its bytes arrive, without keeping or allocating any of them.
/// </summary>
/// <remarks>
/// An unframed message carries no length, so its structure has to be parsed. Parsing is resumable: every byte is
/// visited once, however small the pieces are, so a slow sender costs no more than a fast one. A claimed length is
/// checked against the limits before it is used. A message that passes is well-formed, and decoding it reads nothing
/// beyond its end.
/// A mutable struct: one per connection, never copied while in use.
/// Over 400 lines, because it is one state machine.
/// </remarks>
internal struct ThriftScanner
{
    private const int MaxDepth = 16;
    private const int MaxMethodNameBytes = 128;
    private const int MaxContainerElements = 262_144;

    private Levels _levels;
    private int _depth;
    private Step _step;
    private long _skip;
    private ulong _carry;
    private int _carried;
    private long _consumed;
    private long _maxBytes;
    private bool _isAnswer;

    /// <summary>Starts a new message with the next byte.</summary>
    /// <param name="maxBytes">A longer message is an error.</param>
    /// <param name="isAnswer">Whether the message must be a reply or an exception; otherwise it must be a call.</param>
    public void Reset(long maxBytes, bool isAnswer = false)
    {
        _depth = 0;
        _step = Step.Version;
        _skip = 0;
        _carry = 0;
        _carried = 0;
        _consumed = 0;
        _maxBytes = maxBytes;
        _isAnswer = isAnswer;
        Error = null;
    }

    /// <summary>Bytes of this message seen so far; its length once it is complete.</summary>
    public readonly long Consumed => _consumed;

    public readonly bool IsComplete => _step == Step.Done;

    /// <summary>Whether the method's name and the sequence id have been scanned.</summary>
    public readonly bool HasHeader => _step > Step.SequenceId;

    /// <summary>What is wrong with the message, or null.</summary>
    public string? Error { get; private set; }

    /// <summary>Scans more bytes and stops at the end of the message. Returns how many of them belong to it.</summary>
    public int Feed(ReadOnlySpan<byte> data)
    {
        int at = 0;
        while (Error is null && _step != Step.Done)
        {
            if (_skip > 0)
            {
                int skipped = (int)Math.Min(_skip, data.Length - at);
                at += skipped;
                _skip -= skipped;
                if (_skip > 0)
                {
                    break;
                }
            }

            if (_step == Step.FieldType && _carried == 0)
            {
                at = SkipWholeFields(data, at);
            }

            if (!TryTakeWord(data, ref at))
            {
                break;
            }

            Advance();
            if (Error is null && _consumed + at + _skip > _maxBytes)
            {
                Error = $"message larger than {_maxBytes} bytes";
            }
        }

        _consumed += at;
        return at;
    }

    /// <summary>
    /// Fast path: skips number and string fields that are completely in <paramref name="data"/>, which most are. Other
    /// types, truncated fields and errors are left to the resumable parser.
    /// </summary>
    private static int SkipWholeFields(ReadOnlySpan<byte> data, int at)
    {
        while (true)
        {
            ReadOnlySpan<byte> field = data[at..];
            if (field.Length < ThriftFormat.FieldHeaderBytes + ThriftFormat.LengthBytes)
            {
                return at;
            }

            var type = (ThriftType)field[0];
            long size = ThriftFormat.FixedSize(type);
            if (type == ThriftType.String)
            {
                size = ThriftFormat.LengthBytes
                    + (long)BinaryPrimitives.ReadUInt32BigEndian(field[ThriftFormat.FieldHeaderBytes..]);
            }

            size += ThriftFormat.FieldHeaderBytes;
            if (size == ThriftFormat.FieldHeaderBytes || size > field.Length)
            {
                return at;
            }

            at += (int)size;
        }
    }

    /// <summary>
    /// Takes the fixed-size word of the current step; an incomplete one is carried over to the next piece.
    /// </summary>
    private bool TryTakeWord(ReadOnlySpan<byte> data, ref int at)
    {
        int need = SizeOf(_step);
        if (_carried == 0 && data.Length - at >= 4 && need <= 4)
        {
            // The common case: the whole word is available.
            uint word = BinaryPrimitives.ReadUInt32BigEndian(data[at..]);
            if (need == 4)
            {
                _carry = word;
                at += 4;
            }
            else if (word >> 24 == (uint)ThriftType.Stop)
            {
                at++;
            }
            else
            {
                _carry = word >> 8;
                at += 3;
            }

            return true;
        }

        while (_carried < need)
        {
            if (at == data.Length)
            {
                return false;
            }

            byte value = data[at++];
            _carry = (_carry << 8) | value;
            _carried++;
            if (_step == Step.FieldType && _carried == 1 && value == (byte)ThriftType.Stop)
            {
                return true;
            }
        }

        return true;
    }

    private static int SizeOf(Step step) => step switch
    {
        Step.FieldType => 3,
        Step.List => 5,
        Step.Map => 6,
        _ => 4,
    };

    private void Advance()
    {
        ulong word = _carry;
        _carry = 0;
        _carried = 0;
        switch (_step)
        {
            case Step.Version:
                if (!IsExpected((uint)word))
                {
                    Error = _isAnswer
                        ? "not an answer of the strict binary protocol"
                        : "not a call of the strict binary protocol";
                }

                _step = Step.NameLength;
                break;
            case Step.NameLength:
                if (word is 0 or > MaxMethodNameBytes)
                {
                    Error = $"method name of {(int)word} bytes";
                }

                _skip = (long)word;
                _step = Step.SequenceId;
                break;
            case Step.SequenceId:
                Push(default);
                _step = Step.FieldType;
                break;
            case Step.FieldType:
                if (word == (ulong)ThriftType.Stop)
                {
                    Pop();
                }
                else
                {
                    // The field id follows the type in the same word; the scanner does not need it.
                    BeginValue((ThriftType)(byte)(word >> 16));
                }

                break;
            case Step.StringLength:
                SkipString((int)word);
                break;
            case Step.List:
                BeginContainer(new Level { First = (ThriftType)(byte)(word >> 32), Remaining = (int)word });
                break;
            case Step.Map:
                var map = new Level
                {
                    First = (ThriftType)(byte)(word >> 40),
                    Second = (ThriftType)(byte)(word >> 32),
                    IsMap = true,
                    Remaining = (int)word,
                };
                BeginContainer(map);
                break;
        }
    }

    private readonly bool IsExpected(uint version) => (version ^ ThriftFormat.Version1) switch
    {
        (uint)ThriftMessageKind.Call => !_isAnswer,
        (uint)ThriftMessageKind.Reply or (uint)ThriftMessageKind.Exception => _isAnswer,
        _ => false,
    };

    private void SkipString(int length)
    {
        if (length < 0)
        {
            Error = $"string of {length} bytes";
            return;
        }

        _skip = length;
        EndValue();
    }

    private void BeginValue(ThriftType type)
    {
        int size = ThriftFormat.FixedSize(type);
        if (size > 0)
        {
            _skip += size;
            EndValue();
            return;
        }

        switch (type)
        {
            case ThriftType.String:
                _step = Step.StringLength;
                break;
            case ThriftType.Struct:
                Push(default);
                _step = Step.FieldType;
                break;
            case ThriftType.List or ThriftType.Set:
                _step = Step.List;
                break;
            case ThriftType.Map:
                _step = Step.Map;
                break;
            default:
                Error = $"unknown field type {(int)type}";
                break;
        }
    }

    private void BeginContainer(Level level)
    {
        if (level.Remaining is < 0 or > MaxContainerElements)
        {
            Error = $"container of {level.Remaining} elements";
            return;
        }

        if (level.Remaining == 0)
        {
            if (!ThriftFormat.IsElementType(level.First) || !ThriftFormat.IsElementType(level.Second))
            {
                Error = "empty container of unknown types";
                return;
            }

            EndValue();
            return;
        }

        if (level.IsMap)
        {
            level.Remaining *= 2;
        }

        Push(level);
        NextElement();
    }

    /// <summary>
    /// A value has ended (or only its bytes remain to be skipped): the enclosing level decides what comes next.
    /// </summary>
    private void EndValue()
    {
        if (_levels[_depth - 1].Remaining == 0)
        {
            _step = Step.FieldType;
        }
        else
        {
            NextElement();
        }
    }

    private void NextElement()
    {
        // Skip a run of fixed-size elements at once; a list of bytes would otherwise recurse once per element.
        ref Level level = ref _levels[_depth - 1];
        int first = ThriftFormat.FixedSize(level.First);
        int second = level.IsMap ? ThriftFormat.FixedSize(level.Second) : first;
        if (first > 0 && second > 0)
        {
            _skip += level.IsMap ? (first + second) * (long)(level.Remaining / 2) : first * (long)level.Remaining;
            Pop();
            return;
        }

        ThriftType type = level.IsMap && (level.Remaining & 1) == 1 ? level.Second : level.First;
        level.Remaining--;
        if (level.Remaining == 0)
        {
            // The last element ends the container, so leave the container's level before entering the element.
            _depth--;
        }

        BeginValue(type);
    }

    private void Push(Level level)
    {
        if (_depth == MaxDepth)
        {
            Error = $"nested deeper than {MaxDepth}";
            return;
        }

        _levels[_depth++] = level;
    }

    private void Pop()
    {
        _depth--;
        if (_depth == 0)
        {
            _step = Step.Done;
        }
        else
        {
            EndValue();
        }
    }

    private enum Step : byte
    {
        Version,
        NameLength,
        SequenceId,
        FieldType,
        StringLength,
        List,
        Map,
        Done,
    }

    /// <summary>A struct (<see cref="Remaining"/> is 0) or a container with remaining elements.</summary>
    private struct Level
    {
        public ThriftType First;
        public ThriftType Second;
        public bool IsMap;
        public int Remaining;
    }

    [InlineArray(MaxDepth)]
    private struct Levels
    {
        private Level _first;
    }
}
