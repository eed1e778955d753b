using System.CommandLine;
using KvCloud.Client;

namespace KvCloud.Cli;

/// <summary>Runs each command with a client that lives as long as the command.</summary>
internal sealed class CommandRunner(GlobalOptions globals, KvConsole console, TimeSpan usualTimeout)
{
    public void Bind(
        Command command, Func<CommandContext, CancellationToken, Task<int>> run, TimeSpan? timeout = null) =>
        command.SetAction(async (parsed, cancellationToken) =>
        {
            KvCloudClientSettings settings = globals.ToSettings(parsed, timeout ?? usualTimeout, console);
            await using var client = new KvCloudClient(settings);
            return await run(new CommandContext(client, settings, console, globals, parsed), cancellationToken);
        });
}
