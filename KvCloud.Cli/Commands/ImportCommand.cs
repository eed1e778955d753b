using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using KvCloud.Cli.Transfer;
using KvCloud.Client;

namespace KvCloud.Cli.Commands;

/// <summary>`kv import`: writes many entries and reports each one that fails.</summary>
internal static class ImportCommand
{
    public static Command Create(CommandRunner runner)
    {
        var options = new TransferOptions();
        var command = new Command(
            "import",
            "Write many entries. Continues across a change of leader. Entries that fail are reported on the error"
            + " stream, and the exit code is 1.");
        options.AddTo(command);
        runner.Bind(
            command,
            (context, cancellationToken) => RunAsync(context, options, cancellationToken),
            TransferOptions.Timeout);
        return command;
    }

    private static async Task<int> RunAsync(
        CommandContext context, TransferOptions options, CancellationToken cancellationToken)
    {
        var totals = new TransferTotals();
        long started = Stopwatch.GetTimestamp();
        int code = ExitCode.Ok;
        try
        {
            await options.RunAsync(
                context,
                "imported",
                options.Open(context, cancellationToken),
                totals,
                (item, token) => ImportAsync(context, item, totals, token),
                cancellationToken);
        }
        catch (TransferStoppedException exception)
        {
            context.Console.WriteError($"{exception.Message}; stopped; later entries were not sent");
            code = exception.Code;
        }

        Report(context, totals, Stopwatch.GetElapsedTime(started));
        return totals.Failed > 0 ? ExitCode.Worst(code, ExitCode.No) : code;
    }

    private static async Task ImportAsync(
        CommandContext context, TransferItem item, TransferTotals totals, CancellationToken cancellationToken)
    {
        if (TransferLimits.Check(item) is { } problem)
        {
            Fail(context, item, problem, totals);
            return;
        }

        try
        {
            byte[] value = await item.ReadValueAsync(cancellationToken);
            await context.Client.SetAsync(item.Key, value, context.WriteOptions, cancellationToken);
            totals.Succeeded(value.Length);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Fail(context, item, exception.Message, totals);
        }
        catch (KvCloudException exception) when (ExitCode.For(exception) is ExitCode.No or ExitCode.Usage)
        {
            Fail(context, item, exception.Message, totals);
        }
        catch (KvCloudException exception)
        {
            totals.FailedOne();
            throw new TransferStoppedException($"{item.Name}: {exception.Message}", ExitCode.For(exception), exception);
        }
    }

    private static void Fail(CommandContext context, TransferItem item, string problem, TransferTotals totals)
    {
        totals.FailedOne();
        context.Console.WriteError($"{item.Name}: {problem}");
    }

    private static void Report(CommandContext context, TransferTotals totals, TimeSpan elapsed)
    {
        string rate = (totals.Done / Math.Max(elapsed.TotalSeconds, 0.001)).ToString("0", CultureInfo.InvariantCulture);
        context.Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"imported {totals.Done}, failed {totals.Failed}, {totals.Bytes} bytes, {elapsed.TotalSeconds:0.0} s,"
            + $" {rate}/s"));
    }
}
