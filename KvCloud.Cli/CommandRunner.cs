using System.CommandLine;
using KvCloud.Cli.Shell;
using KvCloud.Client;

namespace KvCloud.Cli;

/// <summary>Runs each command with a client that lives as long as the command.</summary>
/// <param name="globals">The options of every command.</param>
/// <param name="console">Input and output.</param>
/// <param name="usualTimeout">Of a call, where nothing else is said.</param>
/// <param name="shell">Whose client is used in place of one of the command's own; null outside `kv shell`.</param>
internal sealed class CommandRunner(
    GlobalOptions globals, KvConsole console, TimeSpan usualTimeout, ShellSession? shell)
{
    public void Bind(
        Command command, Func<CommandContext, CancellationToken, Task<int>> run, TimeSpan? timeout = null) =>
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (shell is not null)
            {
                globals.RequireNoneOfTheShells(parsed);
                return await run(
                    new CommandContext(shell.Client, shell.Settings, console, globals, parsed), cancellationToken);
            }

            KvCloudClientSettings settings = globals.ToSettings(parsed, timeout ?? usualTimeout, console);
            await using var client = new KvCloudClient(settings);
            return await run(new CommandContext(client, settings, console, globals, parsed), cancellationToken);
        });
}
