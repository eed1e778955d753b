using System.CommandLine;
using KvCloud.Cli.Tail;
using KvCloud.Monitoring;

namespace KvCloud.Cli.Commands;

/// <summary>`kv tail`: what happens on all nodes, as they notice it.</summary>
internal static class TailCommand
{
    public static Command Create(CommandRunner runner)
    {
        var lines = new Option<int>("--lines", "-n")
        {
            Description = "How many of before to begin with. Default: 10.",
            DefaultValueFactory = _ => 10,
        };
        var logs = new Option<bool>("--logs") { Description = "The nodes' log lines in place of their events." };
        var level = new Option<string?>("--level")
        {
            Description = "Only what is at least so grave: info, warning or error; with --logs also trace, debug and"
                + " critical.",
            HelpName = "level",
        };
        var once = new Option<bool>("--no-follow") { Description = "End after what there is." };
        var command = new Command(
            "tail",
            "Print elections, snapshots, changes of members and alarms of all nodes as they happen, until Ctrl-C. Each"
            + " node tells what it saw itself, so that an election shows once for each.")
        {
            lines, logs, level, once,
        };
        level.CompletionSources.Add("info", "warning", "error");
        command.Validators.Add(result =>
        {
            if (result.GetValue(lines) is < 0 or > EventTail.MostLines)
            {
                result.AddError($"--lines must be between 0 and {EventTail.MostLines}.");
            }

            if (result.GetValue(level) is { } given && !EventTail.Levels.Contains(given))
            {
                result.AddError($"'{given}' is no level; use {string.Join(", ", EventTail.Levels)}.");
            }
        });
        runner.Bind(command, async (context, cancellationToken) =>
        {
            using var http = new NodeHttp(context.Settings);
            var tail = new EventTail(
                context.Client,
                new NodeReader(http.Http),
                context.Get(logs) ? TailSource.Logs : TailSource.Events,
                context.Get(level),
                context.Console,
                context.Printer);
            return await tail.RunAsync(context.Get(lines), follow: !context.Get(once), cancellationToken);
        });
        return command;
    }
}
