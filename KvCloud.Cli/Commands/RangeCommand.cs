using System.CommandLine;
using System.Globalization;
using KvCloud.Cli.Output;
using KvCloud.Client;

namespace KvCloud.Cli.Commands;

/// <summary>`kv range`: rows in key order.</summary>
internal static class RangeCommand
{
    private const int MostTableRows = 10_000;

    public static Command Create(CommandRunner runner)
    {
        var begin = new Option<string?>("--begin") { Description = "First key of the range (inclusive)." };
        var end = new Option<string?>("--end") { Description = "End of the range (exclusive)." };
        var prefix = new Option<string?>("--prefix") { Description = "Keys that start with this." };
        var limit = new Option<int>("--limit", "-n") { Description = "Maximum number of rows; 0 for all." };
        var keysOnly = new Option<bool>("--keys-only") { Description = "Print no values." };
        var count = new Option<bool>("--count") { Description = "Print only the number of rows." };
        var version = new Option<long?>("--at-version") { Description = "Read at this version." };
        var command = new Command(
            "range",
            "Print keys and values separated by a tab, in key order, read at one version. Without --raw, --hex or "
            + "--json special bytes are escaped: \\t \\n \\r \\\\ \\xNN.")
        {
            begin, end, prefix, limit, keysOnly, count, version,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(prefix) is not null && (result.GetValue(begin) ?? result.GetValue(end)) is not null)
            {
                result.AddError("--prefix cannot be combined with --begin or --end.");
            }

            if (result.GetValue(limit) < 0)
            {
                result.AddError("--limit must not be negative.");
            }
        });
        runner.Bind(command, async (context, cancellationToken) =>
        {
            KvRange range = RangeOf(context, context.Get(begin), context.Get(end), context.Get(prefix)) with
            {
                Limit = context.Get(limit),
            };
            KvReadOptions options = context.ReadOptions with { AtVersion = context.Get(version) };
            if (context.IsTableAsked && !context.Get(count))
            {
                return await PrintTableAsync(context, range, options, context.Get(keysOnly), cancellationToken);
            }

            var writer = new RowWriter(context.Console, context.Format);
            long rows = 0;
            await foreach (KvEntry entry in context.Client.RangeAsync(range, options, cancellationToken))
            {
                rows++;
                if (!context.Get(count))
                {
                    await writer.RowAsync(entry, context.Get(keysOnly), cancellationToken);
                }
            }

            if (context.Get(count))
            {
                context.Console.Out.WriteLine(rows.ToString(CultureInfo.InvariantCulture));
            }

            return ExitCode.Ok;
        });
        return command;
    }

    /// <summary>A drawn table needs all of its rows before its first line, so their number is limited.</summary>
    private static async Task<int> PrintTableAsync(
        CommandContext context,
        KvRange range,
        KvReadOptions options,
        bool keysOnly,
        CancellationToken cancellationToken)
    {
        var entries = new List<KvEntry>();
        await foreach (KvEntry entry in context.Client.RangeAsync(range, options, cancellationToken))
        {
            entries.Add(entry);
            if (entries.Count > MostTableRows)
            {
                throw new UsageException(
                    $"there are more than {MostTableRows} rows, which is the limit of a table; use --limit, or"
                    + " --output plain");
            }
        }

        context.Printer.Rows(
            keysOnly ? ["key"] : ["key", "value", "version"],
            entries,
            entry => keysOnly
                ? [TextOf(entry.Key)]
                : [TextOf(entry.Key), TextOf(entry.Value), entry.Version.ToString(CultureInfo.InvariantCulture)],
            (_, _) => { });
        return ExitCode.Ok;

        string TextOf(byte[] bytes) => context.Format == ValueFormat.Hex
            ? Convert.ToHexStringLower(bytes)
            : EscapedText.Escape(bytes);
    }

    private static KvRange RangeOf(CommandContext context, string? begin, string? end, string? prefix) =>
        prefix is not null
            ? KvRange.Prefix(context.Bytes(prefix))
            : new KvRange(begin is null ? default : context.Bytes(begin), end is null ? null : context.Bytes(end));
}
