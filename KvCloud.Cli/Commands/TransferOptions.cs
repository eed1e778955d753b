using System.CommandLine;
using KvCloud.Cli.Transfer;

namespace KvCloud.Cli.Commands;

/// <summary>
/// Options shared by import and verify: the source of the entries and the number processed concurrently.
/// </summary>
internal sealed class TransferOptions
{
    private const int MostInFlight = 100_000;
    private const int HeldBytes = 32 * 1024 * 1024;

    /// <summary>Long enough to survive a change of leader.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    public Option<DirectoryInfo?> Directory { get; } = new("--dir")
    {
        Description = "A directory tree: the path below it is the key, the content the value. "
            + "Default: lines key TAB value from standard input.",
    };

    public Option<string> Prefix { get; } = new("--prefix")
    {
        Description = "With --dir: prefix of every key.",
        DefaultValueFactory = _ => "",
    };

    public Option<bool> Escaped { get; } = new("--escaped")
    {
        Description = "Lines have \\t \\n \\r \\\\ \\xNN, as kv range and kv export --escaped print them.",
    };

    public Option<int> InFlight { get; } = new("--in-flight")
    {
        Description = "Number of entries processed concurrently. Default: 128.",
        DefaultValueFactory = _ => 128,
    };

    public void AddTo(Command command)
    {
        command.Add(Directory);
        command.Add(Prefix);
        command.Add(Escaped);
        command.Add(InFlight);
    }

    /// <summary>The entries, and their number if it is known.</summary>
    public (IAsyncEnumerable<TransferItem> Items, long? Total) Open(
        CommandContext context, CancellationToken cancellationToken)
    {
        if (context.Get(InFlight) is < 1 or > MostInFlight)
        {
            throw new UsageException($"--in-flight must be between 1 and {MostInFlight}");
        }

        if (context.Get(Directory) is not { } directory)
        {
            return (LineSource.ReadAsync(context.Console.Input, context.Get(Escaped), cancellationToken), null);
        }

        List<TransferItem> items =
            [.. TreeSource.Read(directory.FullName, context.Bytes(context.Get(Prefix) ?? ""))];
        return (items.ToAsyncEnumerable(), items.Count);
    }

    public async Task RunAsync(
        CommandContext context,
        string verb,
        (IAsyncEnumerable<TransferItem> Items, long? Total) source,
        TransferTotals totals,
        Func<TransferItem, CancellationToken, Task> handle,
        CancellationToken cancellationToken)
    {
        using var budget = new ByteBudget(HeldBytes);
        var pump = new TransferPump(context.Get(InFlight), budget);
        Task transfer = pump.RunAsync(source.Items, handle, cancellationToken);
        await TransferProgress.ShowAsync(context.Console, verb, source.Total, totals, transfer);
        await transfer;
    }
}
