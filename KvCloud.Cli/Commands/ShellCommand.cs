using System.CommandLine;
using KvCloud.Cli.Shell;

namespace KvCloud.Cli.Commands;

/// <summary>`kv shell`: commands, one after the other, over one connection.</summary>
internal static class ShellCommand
{
    public const string Name = "shell";

    public static Command Create(CommandRunner runner, GlobalOptions globals)
    {
        var command = new Command(
            Name,
            "Type commands without kv before them, with history and completion, over connections that stay. Lines"
            + " of standard input that is no terminal are run as they are; the exit code is that of the last that"
            + " failed.");
        runner.Bind(command, async (context, cancellationToken) =>
        {
            string name = globals.ClusterNameOf(context.Parsed) is { } cluster ? $"kv {cluster}> " : "kv> ";
            var run = new ShellRun(new ShellSession(context.Client, context.Settings), context.Console, name);
            return Console.IsInputRedirected || !context.Console.IsOutputTerminal
                ? await run.ReadAsync(cancellationToken)
                : await run.TypeAsync(cancellationToken);
        });
        return command;
    }
}
