using System.Globalization;
using System.Threading.Channels;

namespace KvCloud.LocalCluster;

/// <summary>
/// Prints what the replicas write, each line after the name of its replica, in its colour on a terminal. A terminal
/// that stands still (Ctrl-S, a full pipe) must not hold up the replicas, whose own output would wait: then the
/// oldest lines that wait are dropped, and counted.
/// </summary>
internal sealed class ConsoleLog : IAsyncDisposable
{
    private const int WaitingLines = 8192;
    private const string Reset = "\e[0m";
    private const string Bold = "\e[1m";

    private static readonly string[] Colours =
        ["\e[36m", "\e[33m", "\e[32m", "\e[35m", "\e[34m", "\e[96m", "\e[93m"];

    private readonly TextWriter _writer;
    private readonly bool _coloured;
    private readonly Channel<string> _lines;
    private readonly Task _printer;
    private long _dropped;

    public ConsoleLog(TextWriter writer, bool coloured)
    {
        _writer = writer;
        _coloured = coloured;
        _lines = Channel.CreateBounded<string>(
            new BoundedChannelOptions(WaitingLines)
            {
                FullMode = BoundedChannelFullMode.DropOldest,
                SingleReader = true,
            },
            _ => Interlocked.Increment(ref _dropped));
        _printer = PrintAsync();
    }

    /// <summary>On standard output; coloured where that is a terminal and NO_COLOR is not set.</summary>
    public static ConsoleLog ToConsole() => new(
        Console.Out,
        coloured: !Console.IsOutputRedirected
            && string.IsNullOrEmpty(System.Environment.GetEnvironmentVariable("NO_COLOR")));

    /// <summary>A line of a replica.</summary>
    public void Line(Replica replica, string line) => _lines.Writer.TryWrite(
        _coloured
            ? $"{Colours[replica.Index % Colours.Length]}{replica.Name} |{Reset} {line}"
            : $"{replica.Name} | {line}");

    /// <summary>A line about a replica.</summary>
    public void Event(Replica replica, string sentence) =>
        Say($"{replica.Name} {sentence}");

    /// <summary>A line of the AppHost itself.</summary>
    public void Say(string sentence) => _lines.Writer.TryWrite(
        _coloured ? $"{Bold}apphost | {sentence}{Reset}" : $"apphost | {sentence}");

    /// <summary>Lines as they are.</summary>
    public void Write(string text) => _lines.Writer.TryWrite(text);

    /// <summary>Prints what is still waiting.</summary>
    public async ValueTask DisposeAsync()
    {
        _lines.Writer.TryComplete();
        await _printer.ConfigureAwait(false);
    }

    private async Task PrintAsync()
    {
        // A console writes synchronously; the thread that waits for it is one of the pool, not one that reads a
        // replica's output.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await foreach (string line in _lines.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            if (Interlocked.Exchange(ref _dropped, 0) is > 0 and long dropped)
            {
                string sentence = string.Create(
                    CultureInfo.InvariantCulture, $"({dropped} lines were dropped while the output stood still)");
                await _writer.WriteLineAsync($"apphost | {sentence}").ConfigureAwait(false);
            }

            await _writer.WriteLineAsync(line).ConfigureAwait(false);
        }
    }
}
