using System.CommandLine;

namespace KvCloud.Cli.Commands;

/// <summary>
/// `kv recover`: creates a new group from the survivors of one that lost its quorum for good. It runs the node's
/// program as a process, so that the code of a start reads the directories.
/// </summary>
internal static class RecoverCommands
{
    private const int NodeUsage = 2;

    public static Command Create(KvConsole console) => new(
        "recover", "Make a new group out of what is left of one that lost its quorum for good (docs/deployment.md).")
    {
        Plan(console),
        Apply(console),
    };

    private static Command Plan(KvConsole console)
    {
        var data = new Option<string[]>("--data")
        {
            Description = "The directory node_N of a stopped replica that is left; once for each.",
            HelpName = "directory",
            Required = true,
        };
        Option<string> output = Required("--out", "Where the plan is written.", "file");
        var command = new Command("plan", "Say what is left, what would be taken, and what may be lost.")
        {
            data, output,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            console,
            [
                "plan",
                .. parsed.GetRequiredValue(data).SelectMany(directory => (string[])["--data", directory]),
                "--out", parsed.GetRequiredValue(output),
            ],
            cancellationToken));
        return command;
    }

    private static Command Apply(KvConsole console)
    {
        Option<string>[] options =
        [
            Required("--plan", "The plan, which somebody has read.", "file"),
            Required("--target", "The data root of the new group; not there yet, or empty.", "directory"),
            Required("--nodes", "The numbers of its replicas.", "1,2,3"),
            Required("--cluster-id", "Its name, which must not be that of the old group.", "name"),
        ];
        var command = new Command("apply", "Make the data of the new group. What is left of the old one is only read.");
        foreach (Option<string> option in options)
        {
            command.Add(option);
        }

        command.SetAction((parsed, cancellationToken) => RunAsync(
            console,
            [
                "apply",
                .. options.SelectMany(option => (string[])[option.Name, parsed.GetRequiredValue(option)]),
            ],
            cancellationToken));
        return command;
    }

    private static Option<string> Required(string name, string description, string help) =>
        new(name) { Description = description, HelpName = help, Required = true };

    /// <summary>Passes the output of the node's program on unchanged.</summary>
    private static async Task<int> RunAsync(
        KvConsole console, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        NodeRun node = await NodeRun.RunAsync(
            inheritSettings: false, ["recover", .. arguments], cancellationToken);
        await console.Out.WriteAsync(node.Output);
        string said = node.Errors.Trim();
        if (said.Length > 0)
        {
            console.WriteError(said);
        }

        return node.ExitCode switch
        {
            0 => ExitCode.Ok,
            NodeUsage => ExitCode.Usage,
            _ => ExitCode.No,
        };
    }
}
