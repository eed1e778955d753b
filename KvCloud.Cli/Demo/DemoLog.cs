using System.Globalization;
using System.Threading.Channels;
using KvCloud.LocalCluster;

namespace KvCloud.Cli.Demo;

/// <summary>
/// Prints what the replicas write, each line after the name of its replica, in its colour on a terminal, and what
/// `kv demo` itself has to say between them. A terminal that stands still (Ctrl-S, a full pipe) must not hold up the
/// replicas, whose own output would wait: then the oldest lines that wait are dropped, and counted.
/// </summary>
internal sealed class DemoLog : IAsyncDisposable
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

    public DemoLog(TextWriter writer, bool coloured)
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

    /// <summary>A line that a replica wrote.</summary>
    public void Line(Replica replica, string line) => _lines.Writer.TryWrite(
        _coloured
            ? $"{Colours[replica.Index % Colours.Length]}{replica.Name} |{Reset} {line}"
            : $"{replica.Name} | {line}");

    /// <summary>What happened to the cluster.</summary>
    public void Report(string sentence) =>
        _lines.Writer.TryWrite(_coloured ? $"{Bold}demo | {sentence}{Reset}" : $"demo | {sentence}");

    /// <summary>Lines as they are.</summary>
    public void Write(string text) => _lines.Writer.TryWrite(text);

    /// <summary>Prints what is still waiting.</summary>
    public async ValueTask DisposeAsync()
    {
        _lines.Writer.TryComplete();
        await _printer;
    }

    private async Task PrintAsync()
    {
        // A console writes synchronously; the thread that waits for it is one of the pool, not one that reads a
        // replica's output.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        bool isRead = true;
        await foreach (string line in _lines.Reader.ReadAllAsync())
        {
            isRead = isRead && await TryPrintAsync(line);
        }
    }

    /// <summary>
    /// False when nobody reads any more what is printed, as in `kv demo | head`; the cluster runs on.
    /// </summary>
    private async Task<bool> TryPrintAsync(string line)
    {
        try
        {
            if (Interlocked.Exchange(ref _dropped, 0) is > 0 and long dropped)
            {
                await _writer.WriteLineAsync(string.Create(
                    CultureInfo.InvariantCulture,
                    $"demo | ({dropped} lines were dropped while the output stood still)"));
            }

            await _writer.WriteLineAsync(line);
            await _writer.FlushAsync();
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
