using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using KvCloud.Client;

namespace KvCloud.Cli.Transfer;

/// <summary>Reads entries from lines `key TAB value`, raw or with escapes.</summary>
internal static class LineSource
{
    /// <summary>A longer line cannot be a valid entry; reading on would only fill memory.</summary>
    private const int MaxLineBytes = 8 * 1024 * 1024;

    public static async IAsyncEnumerable<TransferItem> ReadAsync(
        Stream input, bool escaped, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var reader = PipeReader.Create(input, new StreamPipeReaderOptions(bufferSize: 64 * 1024, leaveOpen: true));
        long number = 0;
        while (true)
        {
            ReadResult read = await reader.ReadAsync(cancellationToken);
            ReadOnlySequence<byte> buffer = read.Buffer;
            while (TryTakeLine(ref buffer, read.IsCompleted, out byte[] line))
            {
                number++;
                yield return Parse(line, number, escaped);
            }

            if (buffer.Length > MaxLineBytes)
            {
                throw new UsageException($"line {number + 1} is longer than {MaxLineBytes} bytes");
            }

            reader.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
            {
                await reader.CompleteAsync();
                yield break;
            }
        }
    }

    private static bool TryTakeLine(ref ReadOnlySequence<byte> buffer, bool isEnd, out byte[] line)
    {
        if (buffer.PositionOf((byte)'\n') is { } feed)
        {
            line = buffer.Slice(0, feed).ToArray();
            buffer = buffer.Slice(buffer.GetPosition(1, feed));
            return true;
        }

        // The last line may have no line feed.
        bool isLast = isEnd && !buffer.IsEmpty;
        line = isLast ? buffer.ToArray() : [];
        buffer = isLast ? buffer.Slice(buffer.End) : buffer;
        return isLast;
    }

    private static TransferItem Parse(byte[] line, long number, bool escaped)
    {
        string name = $"line {number}";
        int tab = line.AsSpan().IndexOf((byte)'\t');
        if (tab < 0)
        {
            return TransferItem.Bad(name, "there is no tab between key and value");
        }

        try
        {
            byte[] key = escaped ? EscapedText.Unescape(line.AsSpan(0, tab)) : line[..tab];
            byte[] value = escaped ? EscapedText.Unescape(line.AsSpan(tab + 1)) : line[(tab + 1)..];
            return new TransferItem(name, key, value, null, value.Length);
        }
        catch (FormatException exception)
        {
            return TransferItem.Bad(name, exception.Message);
        }
    }
}
