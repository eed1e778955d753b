using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace KvCloud.Cli.Transfer;

/// <summary>Shows the progress of a transfer: a bar on a terminal, otherwise a line now and then.</summary>
internal static class TransferProgress
{
    private static readonly TimeSpan BarInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(2);

    public static async Task ShowAsync(
        KvConsole console, string verb, long? total, TransferTotals totals, Task transfer)
    {
        if (console.IsErrorTerminal)
        {
            await ShowBarAsync(verb, total, totals, transfer);
        }
        else
        {
            await ShowLinesAsync(console, verb, total, totals, transfer);
        }
    }

    public static string Megabytes(long bytes) =>
        string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB");

    private static async Task ShowBarAsync(string verb, long? total, TransferTotals totals, Task transfer)
    {
        IAnsiConsole terminal = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(Console.Error),
        });
        ProgressColumn[] columns = total is null
            ? [new SpinnerColumn(), new TaskDescriptionColumn()]
            : [new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn()];
        await terminal.Progress().Columns(columns).StartAsync(async context =>
        {
            ProgressTask task = context.AddTask(verb, maxValue: Math.Max(1, total ?? 1));
            task.IsIndeterminate = total is null;
            do
            {
                await Task.WhenAny(transfer, Task.Delay(BarInterval));
                task.Value = totals.Done + totals.Failed;
                task.Description = Markup.Escape(
                    $"{verb} {totals.Done} ({Megabytes(totals.Bytes)}){Failures(totals)}");
            }
            while (!transfer.IsCompleted);
        });
    }

    private static async Task ShowLinesAsync(
        KvConsole console, string verb, long? total, TransferTotals totals, Task transfer)
    {
        long started = Stopwatch.GetTimestamp();
        while (await Task.WhenAny(transfer, Task.Delay(LineInterval)) != transfer)
        {
            double rate = totals.Done / Stopwatch.GetElapsedTime(started).TotalSeconds;
            string of = total is null ? "" : string.Create(CultureInfo.InvariantCulture, $" of {total}");
            console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{verb} {totals.Done}{of} ({Megabytes(totals.Bytes)}, {rate:0}/s){Failures(totals)}"));
        }
    }

    private static string Failures(TransferTotals totals) => totals.Failed > 0 ? $", {totals.Failed} failed" : "";
}
