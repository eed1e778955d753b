using System.CommandLine;
using KvCloud.Cli.Demo;

namespace KvCloud.Cli.Commands;

/// <summary>`kv demo`: a temporary cluster on this machine for trying things out.</summary>
internal static class DemoCommand
{
    public const string Name = "demo";

    public static Command Create(KvConsole console)
    {
        var replicas = new Option<int?>("--replicas")
        {
            Description = "Number of replicas: 1, 3, 5 or 7. Default: 3, or as many as the data in --data has.",
            HelpName = "number",
        };
        var basePort = new Option<int?>("--base-port")
        {
            Description = "First client port, one per replica; peer ports are 100 higher, HTTP ports 200 higher. "
                + "Default: 9090, or the next thousand if that is in use.",
            HelpName = "port",
        };
        var data = new Option<string?>("--data")
        {
            Description =
                "Keep the data in this directory and continue with existing data. Default: a temporary directory, "
                + "removed at the end.",
            HelpName = "directory",
        };
        var noRestart = new Option<bool>("--no-restart") { Description = "Do not restart a replica that crashed." };
        var logs = new Option<bool>("--logs")
        {
            Description = "Print everything the replicas log. Default: warnings and errors.",
        };
        var secure = new Option<bool>("--secure")
        {
            Description = "TLS on all ports. A CA and the certificates are made in the directory of the data.",
        };
        var noConsole = new Option<bool>("--no-console")
        {
            Description = "Do not start the console: pages that show the cluster and its data in a browser.",
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
            noConsole,
            secure,
        };
        command.SetAction((parsed, cancellationToken) =>
        {
            var options = new DemoOptions(
                parsed.GetValue(replicas),
                parsed.GetValue(basePort),
                parsed.GetValue(data),
                RestartCrashed: !parsed.GetValue(noRestart),
                WithLogs: parsed.GetValue(logs),
                HasConsole: !parsed.GetValue(noConsole),
                IsSecure: parsed.GetValue(secure));
            return new DemoRun(options, console).RunAsync(cancellationToken);
        });
        return command;
    }
}
