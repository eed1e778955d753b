using System.CommandLine;
using System.Globalization;
using KvCloud.Cli.Load;

namespace KvCloud.Cli.Commands;

/// <summary>`kv bench`: a small load on a cluster, and how long its calls took.</summary>
internal static class BenchCommand
{
    private const int MostClients = 1_000;
    private const int MostKeys = 10_000_000;

    public static Command Create(CommandRunner runner)
    {
        Option<int> clients = Number("--clients", "Callers that each wait for an answer before the next call.", 16);
        Option<int> keys = Number("--keys", "Different keys, drawn evenly.", 1_000);
        Option<int> size = Number("--value-size", "Bytes of a value.", 100);
        Option<int> reads = Number("--reads", "How many of a hundred calls are reads, at --consistency.", 50);
        var duration = new Option<TimeSpan?>("--duration", "-d")
        {
            Description = "How long it measures, after a second that does not count. Default: 10s.",
            HelpName = "time",
            CustomParser = result => GlobalOptions.Parse(result, GlobalOptions.ParsePositiveTime),
        };
        var keep = new Option<bool>("--keep") { Description = "Leave the keys in the cluster." };
        var command = new Command(
            "bench",
            "Put a small load on the cluster and print calls a second, latencies and failures. It writes below"
            + " kv-bench/ and deletes that at the end. A closed loop: slow answers slow the load down, so"
            + " it is no measure of a given rate. Exit code 1 if calls failed.")
        {
            clients, keys, size, reads, duration, keep,
        };
        runner.Bind(command, async (context, cancellationToken) =>
        {
            var plan = new BenchPlan(
                Within(context, clients, 1, MostClients),
                Within(context, keys, 1, MostKeys),
                Within(context, size, 0, Transfer.TransferLimits.ValueSizeBytes),
                Within(context, reads, 0, 100),
                context.Get(duration) ?? TimeSpan.FromSeconds(10));
            var run = new BenchRun(context.Client, plan, context.ReadOptions, context.WriteOptions);
            context.Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{plan.Clients} clients, {plan.Duration.TotalSeconds:0.#} s after a second of warming up …"));
            BenchResult result = await run.RunAsync(context.Get(keep), cancellationToken);
            context.Printer.Figures(result.Figures(plan));
            if (result.FirstError is { } error)
            {
                context.Console.WriteError(error);
            }

            if (result.KeysLeft > 0)
            {
                context.Console.Error.WriteLine($"{result.KeysLeft} keys are left below {result.Prefix}");
            }

            return result.Failed + result.Unknown > 0 ? ExitCode.No : ExitCode.Ok;
        });
        return command;
    }

    private static Option<int> Number(string name, string description, int usual) => new(name)
    {
        Description = string.Create(CultureInfo.InvariantCulture, $"{description} Default: {usual}."),
        DefaultValueFactory = _ => usual,
    };

    private static int Within(CommandContext context, Option<int> option, int least, int most) =>
        context.Get(option) is int given && given >= least && given <= most
            ? given
            : throw new UsageException(string.Create(
                CultureInfo.InvariantCulture, $"{option.Name} must be between {least} and {most}"));
}
