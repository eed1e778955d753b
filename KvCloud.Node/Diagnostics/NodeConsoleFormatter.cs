using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace KvCloud.Node.Diagnostics;

/// <summary>
/// Formats one event per line: <c>2026-01-31T12:00:00.000Z warn  ClusterManager[1502]: node-1 is unreachable: silent
/// for 3004 ms</c>. The number is the event's, where it has one. Line breaks within an event, including those of stack
/// traces, become bars.
/// </summary>
internal sealed class NodeConsoleFormatter(TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "kvcloud";

    /// <inheritdoc/>
    public override void Write<TState>(
        in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        string message = logEntry.Formatter(logEntry.State, logEntry.Exception);
        if (message.Length == 0 && logEntry.Exception is null)
        {
            return;
        }

        textWriter.Write(time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        textWriter.Write(LevelText(logEntry.LogLevel));
        textWriter.Write(ShortName(logEntry.Category));
        if (logEntry.EventId.Id != 0)
        {
            textWriter.Write('[');
            textWriter.Write(logEntry.EventId.Id);
            textWriter.Write(']');
        }

        textWriter.Write(": ");
        WriteOnOneLine(textWriter, message);
        if (logEntry.Exception is not null)
        {
            textWriter.Write(" | ");
            WriteOnOneLine(textWriter, logEntry.Exception.ToString());
        }

        textWriter.Write('\n');
    }

    private static string LevelText(LogLevel level) => level switch
    {
        LogLevel.Trace => " trace ",
        LogLevel.Debug => " debug ",
        LogLevel.Information => " info  ",
        LogLevel.Warning => " warn  ",
        LogLevel.Error => " error ",
        _ => " FATAL ",
    };

    private static ReadOnlySpan<char> ShortName(string category) =>
        category.AsSpan()[(category.LastIndexOf('.') + 1)..];

    private static void WriteOnOneLine(TextWriter writer, string text)
    {
        bool isFirst = true;
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            ReadOnlySpan<char> trimmed = line.Trim();
            if (trimmed.IsEmpty)
            {
                continue;
            }

            if (!isFirst)
            {
                writer.Write(" | ");
            }

            writer.Write(trimmed);
            isFirst = false;
        }
    }
}
