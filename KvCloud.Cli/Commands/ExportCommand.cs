using System.CommandLine;
using System.Globalization;
using KvCloud.Cli.Output;
using KvCloud.Client;

namespace KvCloud.Cli.Commands;

/// <summary>`kv export`: the inverse of `kv import`.</summary>
internal static class ExportCommand
{
    public static Command Create(CommandRunner runner)
    {
        var directory = new Option<DirectoryInfo?>("--dir")
        {
            Description =
                "Write each value to a file below this directory, named by its key. Default: lines key TAB value.",
        };
        var prefix = new Option<string>("--prefix")
        {
            Description = "Only keys with this prefix; with --dir it is removed from the file names.",
            DefaultValueFactory = _ => "",
        };
        var escaped = new Option<bool>("--escaped") { Description = "Lines have \\t \\n \\r \\\\ \\xNN." };
        var command = new Command("export", "Write entries to standard output or to files, all read at one version.")
        {
            directory, prefix, escaped,
        };
        runner.Bind(command, async (context, cancellationToken) =>
        {
            byte[] start = context.Bytes(context.Get(prefix) ?? "");
            string? root = context.Get(directory)?.FullName;
            long done = 0;
            long failed = 0;
            await foreach (KvEntry entry in context.Client.RangeAsync(
                KvRange.Prefix(start), context.ReadOptions, cancellationToken))
            {
                string? problem = root is null
                    ? await WriteLineAsync(context, entry, context.Get(escaped), cancellationToken)
                    : await WriteFileAsync(root, entry, start.Length, cancellationToken);
                done += problem is null ? 1 : 0;
                if (problem is not null)
                {
                    failed++;
                    context.Console.WriteError($"key {EscapedText.Escape(entry.Key)}: {problem}");
                }
            }

            context.Console.Error.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"exported {done}, failed {failed}"));
            return failed > 0 ? ExitCode.No : ExitCode.Ok;
        });
        return command;
    }

    private static async Task<string?> WriteLineAsync(
        CommandContext context, KvEntry entry, bool escaped, CancellationToken cancellationToken)
    {
        if (escaped)
        {
            context.Console.Out.WriteLine($"{EscapedText.Escape(entry.Key)}\t{EscapedText.Escape(entry.Value)}");
            return null;
        }

        if (entry.Key.AsSpan().ContainsAny((byte)'\t', (byte)'\n') || entry.Value.AsSpan().Contains((byte)'\n'))
        {
            return "it does not fit into a line as it is; use --escaped or --dir";
        }

        await new RowWriter(context.Console, ValueFormat.Raw).RowAsync(entry, keyOnly: false, cancellationToken);
        return null;
    }

    private static async Task<string?> WriteFileAsync(
        string root, KvEntry entry, int prefixLength, CancellationToken cancellationToken)
    {
        string? name = EscapedText.ToText(entry.Key.AsSpan(prefixLength));
        bool isPath = name is { Length: > 0 } && !name.Contains('\0', StringComparison.Ordinal)
            && name.Split('/').All(part => part is not ("" or "." or ".."));
        if (!isPath)
        {
            return "it is no path below a directory";
        }

        try
        {
            string path = Path.Combine(root, name!);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllBytesAsync(path, entry.Value, cancellationToken);
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return exception.Message;
        }
    }
}
