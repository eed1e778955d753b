using System.CommandLine;
using KvCloud.Cli.Top;
using KvCloud.Monitoring;

namespace KvCloud.Cli.Commands;

/// <summary>`kv top`: what every node does at the moment, again and again.</summary>
internal static class TopCommand
{
    private static readonly TimeSpan UsualInterval = TimeSpan.FromSeconds(1);

    public static Command Create(CommandRunner runner)
    {
        var interval = new Option<TimeSpan?>("--interval", "-i")
        {
            Description = "Time between two looks, over which rates are taken. Default: 1s.",
            HelpName = "time",
            CustomParser = result => GlobalOptions.Parse(result, GlobalOptions.ParsePositiveTime),
        };
        var count = new Option<int?>("--count", "-n")
        {
            Description = "End after so many looks. Default: on a terminal never, else one.",
            HelpName = "looks",
        };
        var command = new Command(
            "top",
            "Show what each node does: calls, latency, time of syncs, lag, memory and disk. Live on a terminal, until q"
            + " or Ctrl-C. Latencies are those of the nodes' histograms, which count one call in 16.")
        {
            interval, count,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(count) < 1)
            {
                result.AddError("--count must be at least 1.");
            }
        });
        runner.Bind(command, async (context, cancellationToken) =>
        {
            using var http = new NodeHttp(context.Settings);
            var watch = new ClusterWatch(context.Client, http.Http);
            bool isLive = context.Console.IsOutputTerminal && context.Printer.IsTable;
            var run = new TopRun(
                watch,
                context.Get(interval) ?? UsualInterval,
                context.Get(count) ?? (isLive ? int.MaxValue : 1));
            return isLive
                ? await run.ShowAsync(cancellationToken)
                : await run.PrintAsync(context.Printer, cancellationToken);
        });
        return command;
    }
}
