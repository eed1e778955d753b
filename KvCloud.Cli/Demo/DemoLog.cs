using System.Globalization;
using System.Threading.Channels;
using KvCloud.LocalCluster;

namespace KvCloud.Cli.Demo;

/// <summary>
/// Prints the replicas' output, each line prefixed with the replica's name (coloured on a terminal), and the demo's own
/// messages. An output that blocks (Ctrl-S, a full pipe) must not block the replicas, so the oldest waiting lines are
/// dropped and counted.
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

    /// <summary>Adds a line of a replica's output.</summary>
    public void Line(Replica replica, string line) => _lines.Writer.TryWrite(
        _coloured
            ? $"{Colours[replica.Index % Colours.Length]}{replica.Name} |{Reset} {line}"
            : $"{replica.Name} | {line}");

    /// <summary>Adds a line of the console's output.</summary>
    public void ConsoleLine(string line) =>
        _lines.Writer.TryWrite(_coloured ? $"{Bold}console |{Reset} {line}" : $"console | {line}");

    /// <summary>Adds a message about the cluster.</summary>
    public void Report(string sentence) =>
        _lines.Writer.TryWrite(_coloured ? $"{Bold}demo | {sentence}{Reset}" : $"demo | {sentence}");

    /// <summary>Adds text without a prefix.</summary>
    public void Write(string text) => _lines.Writer.TryWrite(text);

    /// <summary>Prints what is still queued.</summary>
    public async ValueTask DisposeAsync()
    {
        _lines.Writer.TryComplete();
        await _printer;
    }

    private async Task PrintAsync()
    {
        // A console writes synchronously; yield so that a pool thread waits for it, not one that reads a replica's
        // output.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        bool isRead = true;
        await foreach (string line in _lines.Reader.ReadAllAsync())
        {
            isRead = isRead && await TryPrintAsync(line);
        }
    }

    /// <summary>False if nobody reads the output any more, as in `kv demo | head`; the cluster keeps running.</summary>
    private async Task<bool> TryPrintAsync(string line)
    {
        try
        {
            if (Interlocked.Exchange(ref _dropped, 0) is > 0 and long dropped)
            {
                await _writer.WriteLineAsync(string.Create(
                    CultureInfo.InvariantCulture,
                    $"demo | ({dropped} lines were dropped while the output was blocked)"));
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
