using System.CommandLine;
using System.CommandLine.Parsing;
using KvCloud.Cli.Output;
using KvCloud.Client;

namespace KvCloud.Cli.Commands;

/// <summary>`kv txn`: a script of reads and writes as one transaction.</summary>
internal static class TransactionCommand
{
    public static Command Create(CommandRunner runner)
    {
        var command = new Command(
            "txn",
            "Run the lines of standard input as one transaction: get KEY, set KEY VALUE, del KEY, range PREFIX;"
            + " quotes hold "
            + "words together, # starts a comment. Results of get and range are printed after the commit.");
        runner.Bind(command, async (context, cancellationToken) =>
        {
            List<string[]> steps = await ReadStepsAsync(context, cancellationToken);
            KvTransaction? last = null;
            List<KvEntry> found = await context.Client.RunAsync(
                async transaction =>
                {
                    last = transaction;
                    var entries = new List<KvEntry>();
                    foreach (string[] step in steps)
                    {
                        await RunStepAsync(context, transaction, step, entries, cancellationToken);
                    }

                    return entries;
                },
                null,
                cancellationToken);
            var writer = new RowWriter(context.Console, context.Format);
            foreach (KvEntry entry in found)
            {
                await writer.RowAsync(entry, keyOnly: false, cancellationToken);
            }

            context.Console.Error.WriteLine(
                last?.CommittedVersion is { } version
                    ? $"committed at version {version}"
                    : "read only, nothing to commit");
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task<List<string[]>> ReadStepsAsync(
        CommandContext context, CancellationToken cancellationToken)
    {
        var steps = new List<string[]>();
        using var reader = new StreamReader(context.Console.Input, leaveOpen: true);
        for (int number = 1; await reader.ReadLineAsync(cancellationToken) is { } line; number++)
        {
            if (line.TrimStart() is not { Length: > 0 } text || text.StartsWith('#'))
            {
                continue;
            }

            string[] words = [.. CommandLineParser.SplitCommandLine(text)];
            bool isKnown = (words[0], words.Length) is ("get", 2) or ("set", 3) or ("del", 2) or ("range", 2);
            steps.Add(isKnown
                ? words
                : throw new UsageException(
                    $"line {number}: '{text}' is not one of get KEY, set KEY VALUE, del KEY, range PREFIX"));
        }

        return steps;
    }

    private static async Task RunStepAsync(
        CommandContext context,
        KvTransaction transaction,
        string[] step,
        List<KvEntry> found,
        CancellationToken cancellationToken)
    {
        byte[] key = context.Bytes(step[1]);
        switch (step[0])
        {
            case "get":
                if (await transaction.GetAsync(key, context.ColumnFamily, cancellationToken) is { } value)
                {
                    found.Add(new KvEntry(key, value, 0));
                }

                break;
            case "set":
                transaction.Set(key, context.Bytes(step[2]), context.ColumnFamily);
                break;
            case "del":
                transaction.Delete(key, context.ColumnFamily);
                break;
            default:
                var range = KvRange.Prefix(key);
                await foreach (KvEntry row in transaction.RangeAsync(range, context.ColumnFamily, cancellationToken))
                {
                    found.Add(row);
                }

                break;
        }
    }
}
