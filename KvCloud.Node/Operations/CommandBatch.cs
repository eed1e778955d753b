using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace KvCloud.Node.Operations;

/// <summary>
/// The payload of one slot: <c>version(1) unix ms(8) retention ms(8) retention versions(8) count(4)</c>, little-endian,
/// then the commands, each prefixed with its length. Enumerated in order, without copying.
/// </summary>
internal readonly struct CommandBatch
{
    public const byte FormatVersion = 1;

    public const int HeaderSizeBytes = 29;

    private readonly ReadOnlyMemory<byte> _commands;

    private CommandBatch(BatchHeader header, ReadOnlyMemory<byte> commands)
    {
        Header = header;
        _commands = commands;
    }

    public BatchHeader Header { get; }

    public static bool TryOpen(
        ReadOnlyMemory<byte> payload, out CommandBatch batch, [NotNullWhen(false)] out string? error)
    {
        batch = default;
        ReadOnlySpan<byte> span = payload.Span;
        if (span.Length < HeaderSizeBytes)
        {
            error = $"a batch of {span.Length} bytes is shorter than its header";
            return false;
        }

        if (span[0] != FormatVersion)
        {
            throw new UnknownFormatException("batch", span[0], FormatVersion);
        }

        var retention = new MvccRetention(
            BinaryPrimitives.ReadInt64LittleEndian(span[9..]), BinaryPrimitives.ReadInt64LittleEndian(span[17..]));
        var header = new BatchHeader(
            BinaryPrimitives.ReadInt64LittleEndian(span[1..]),
            retention,
            BinaryPrimitives.ReadInt32LittleEndian(span[25..]));
        if (header.UnixMs < 0 || retention.TimeMs < 0 || retention.Versions < 0
            || header.Count < 0 || header.Count > span.Length - HeaderSizeBytes)
        {
            error = $"a batch header is out of range: {header}";
            return false;
        }

        batch = new CommandBatch(header, payload[HeaderSizeBytes..]);
        error = null;
        return true;
    }

    public Enumerator GetEnumerator() => new(Header.Count, _commands);

    /// <summary>Stops early at a truncated command; <see cref="IsComplete"/> then stays false.</summary>
    internal ref struct Enumerator(int count, ReadOnlyMemory<byte> commands)
    {
        private ByteReader _reader = new(commands);
        private int _left = count;

        public ReadOnlyMemory<byte> Current { get; private set; }

        /// <summary>After the last command: whether all commands were present and nothing follows them.</summary>
        public readonly bool IsComplete => _left == 0 && _reader.IsAtEnd;

        public bool MoveNext()
        {
            if (_left == 0 || !_reader.TryReadBytes(out ReadOnlyMemory<byte> command))
            {
                return false;
            }

            Current = command;
            _left--;
            return true;
        }
    }
}
