using System.CommandLine;
using KvCloud.Cli.Demo;

namespace KvCloud.Cli.Commands;

/// <summary>`kv demo`: a cluster on this machine, to try things on.</summary>
internal static class DemoCommand
{
    public const string Name = "demo";

    public static Command Create(KvConsole console)
    {
        var replicas = new Option<int?>("--replicas")
        {
            Description = "1, 3, 5 or 7. Default: 3, or as many as --data has.",
            HelpName = "number",
        };
        var basePort = new Option<int?>("--base-port")
        {
            Description = "Clients at this port and those that follow, peers at 100 above, HTTP at 200 above. "
                + "Default: 9090, or the next thousand where that is in use.",
            HelpName = "port",
        };
        var data = new Option<string?>("--data")
        {
            Description =
                "Keep the data in this directory and go on with what is there. Default: a temporary directory, "
                + "removed at the end.",
            HelpName = "directory",
        };
        var noRestart = new Option<bool>("--no-restart") { Description = "Leave a replica down that crashed." };
        var logs = new Option<bool>("--logs")
        {
            Description = "Print all that the replicas log. Default: warnings and errors.",
        };
        var command = new Command(
            Name,
            "Run a cluster on this machine until Ctrl-C: each replica a process of its own, a crashed one started"
            + " again.")
        {
            replicas,
            basePort,
            data,
            noRestart,
            logs,
        };
        command.SetAction((parsed, cancellationToken) =>
        {
            var options = new DemoOptions(
                parsed.GetValue(replicas),
                parsed.GetValue(basePort),
                parsed.GetValue(data),
                RestartCrashed: !parsed.GetValue(noRestart),
                WithLogs: parsed.GetValue(logs));
            return new DemoRun(options, console).RunAsync(cancellationToken);
        });
        return command;
    }
}
