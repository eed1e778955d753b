using System.CommandLine;
using KvCloud.Cli.Output;
using KvCloud.Client;

namespace KvCloud.Cli.Commands;

/// <summary>`kv get`, `kv set`, `kv del`: one key.</summary>
internal static class KeyCommands
{
    public static Command Get(CommandRunner runner)
    {
        var key = new Argument<string>("key") { Description = "The key." };
        var version = new Option<long?>("--at-version") { Description = "Read at this version." };
        var command = new Command("get", "Print the value of a key. Exit code 1 if there is none.") { key, version };
        runner.Bind(command, async (context, cancellationToken) =>
        {
            KvReadOptions options = context.ReadOptions with { AtVersion = context.Get(version) };
            byte[] name = context.Bytes(context.Get(key));
            if (await context.Client.GetEntryAsync(name, options, cancellationToken) is not { } entry)
            {
                context.Console.WriteError($"no such key: {context.Get(key)}");
                return ExitCode.No;
            }

            await new RowWriter(context.Console, context.Format).ValueAsync(entry, cancellationToken);
            return ExitCode.Ok;
        });
        return command;
    }

    public static Command Set(CommandRunner runner)
    {
        var key = new Argument<string>("key") { Description = "The key." };
        var value = new Argument<string?>("value")
        {
            Description = "The value; if absent or -, all of standard input.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var file = new Option<FileInfo?>("--file", "-f") { Description = "Take the value from this file." };
        var command = new Command("set", "Write a key; prints OK and the commit version.") { key, value, file };
        command.Validators.Add(result =>
        {
            if (result.GetValue(value) is not null && result.GetValue(file) is not null)
            {
                result.AddError("A value and --file are mutually exclusive.");
            }
        });
        runner.Bind(command, async (context, cancellationToken) =>
        {
            byte[] bytes = context.Get(file) is { } source
                ? await File.ReadAllBytesAsync(source.FullName, cancellationToken)
                : await TypedValueAsync(context, context.Parsed.GetValue(value), cancellationToken);
            long version = await context.Client.SetAsync(
                context.Bytes(context.Get(key)), bytes, context.WriteOptions, cancellationToken);
            new RowWriter(context.Console, context.Format).Written(version);
            return ExitCode.Ok;
        });
        return command;
    }

    public static Command Delete(CommandRunner runner)
    {
        var keys = new Argument<string[]>("key") { Description = "The keys.", Arity = ArgumentArity.OneOrMore };
        var command = new Command("del", "Delete keys; a key that does not exist is not an error.") { keys };
        runner.Bind(command, async (context, cancellationToken) =>
        {
            foreach (string key in context.Get(keys))
            {
                long version = await context.Client.DeleteAsync(
                    context.Bytes(key), context.WriteOptions, cancellationToken);
                new RowWriter(context.Console, context.Format).Written(version);
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task<byte[]> TypedValueAsync(
        CommandContext context, string? typed, CancellationToken cancellationToken)
    {
        if (typed is not (null or "-"))
        {
            return context.Bytes(typed);
        }

        using var bytes = new MemoryStream();
        await context.Console.Input.CopyToAsync(bytes, cancellationToken);
        return bytes.ToArray();
    }
}
