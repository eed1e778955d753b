using System.CommandLine;

namespace KvCloud.Cli.Commands;

/// <summary>`kv config check`: what a node makes of its settings, by the node's own program.</summary>
internal static class ConfigCheckCommand
{
    public static Command Create(KvConsole console)
    {
        var file = new Argument<FileInfo>("file") { Description = "The node's settings, TOML." };
        var settings = new Argument<string[]>("setting")
        {
            Description = "Settings as on the node's command line: --deployment.instance_id=1, behind --.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var environment = new Option<bool>("--with-environment")
        {
            Description = "Also take the settings of this environment (KvCloud__...), as a node started here would.",
        };
        var command = new Command(
            "check",
            "Check the settings of a node as it does when it starts, and print what would be in effect. Exit code 1"
            + " and a line for each mistake if it would not start. Certificates that they name are read.")
        {
            file, settings, environment,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string path = parsed.GetRequiredValue(file).FullName;
            if (!File.Exists(path))
            {
                throw new UsageException($"there is no file {path}");
            }

            return await RunAsync(
                console,
                parsed.GetValue(environment),
                ["--config", path, "--check-config", .. parsed.GetValue(settings) ?? []],
                cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        KvConsole console, bool inheritSettings, string[] arguments, CancellationToken cancellationToken)
    {
        NodeRun node = await NodeRun.RunAsync(inheritSettings, arguments, cancellationToken);
        await console.Out.WriteAsync(node.Output);
        string[] mistakes = node.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        foreach (string mistake in mistakes)
        {
            console.WriteError(mistake);
        }

        if (node.ExitCode == 0)
        {
            console.Error.WriteLine("a node would start with these settings");
            return ExitCode.Ok;
        }

        console.Error.WriteLine(
            $"a node would not start: {mistakes.Length} mistake{(mistakes.Length == 1 ? "" : "s")};"
            + " all settings: docs/configuration.md");
        return ExitCode.No;
    }
}
