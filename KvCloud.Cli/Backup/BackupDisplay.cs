using System.Globalization;
using KvCloud.Backup.Copying;
using KvCloud.Backup.Reading;
using KvCloud.Cli.Transfer;
using Spectre.Console;

namespace KvCloud.Cli.Backup;

/// <summary>Shows the progress of a backup or a restore: bars on a terminal, otherwise lines.</summary>
internal sealed class BackupDisplay
{
    private static readonly TimeSpan BarInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(2);

    /// <summary>Between lines of a continuous backup while no snapshot is copied.</summary>
    private static readonly TimeSpan QuietInterval = TimeSpan.FromMinutes(1);

    private readonly KvConsole _console;
    private readonly IAnsiConsole? _terminal;

    public BackupDisplay(KvConsole console)
    {
        _console = console;
        _terminal = console.IsErrorTerminal
            ? AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) })
            : null;
    }

    /// <summary>Prints a sentence about an event; above the bars, where there are any.</summary>
    public void Tell(string sentence)
    {
        if (_terminal is null)
        {
            _console.Error.WriteLine(sentence);
        }
        else
        {
            _terminal.MarkupLine(Markup.Escape(sentence));
        }
    }

    /// <summary>Shows a backup until it ends.</summary>
    public Task ShowAsync(BackupProgress progress, Task backup) => _terminal is null
        ? LinesAsync(
            () => progress.TotalBytes > progress.CopiedBytes + progress.SharedBytes,
            () => $"{Snapshot(progress)}; {Log(progress)}",
            backup)
        : BarsAsync(
            [
                new("snapshot", () => progress.TotalBytes, () => progress.CopiedBytes + progress.SharedBytes,
                    () => Snapshot(progress)),
                new("log", () => Math.Max(1, progress.AppliedSlot), () => progress.ShippedSlot, () => Log(progress)),
            ],
            backup);

    /// <summary>Shows the progress of reading an archive until it ends.</summary>
    public Task ShowAsync(string verb, ReadProgress progress, Task reading)
    {
        string Text() =>
            $"{verb} {TransferProgress.Megabytes(progress.DoneBytes)} of"
            + $" {TransferProgress.Megabytes(progress.TotalBytes)}";
        return _terminal is null
            ? LinesAsync(() => true, Text, reading)
            : BarsAsync([new(verb, () => progress.TotalBytes, () => progress.DoneBytes, Text)], reading);
    }

    /// <summary>Shows the node's restore until it ends.</summary>
    public Task ShowAsync(NodeProgress progress, Task restore) => _terminal is null
        ? LinesAsync(() => true, () => progress.Text, restore)
        : _terminal.Status().StartAsync(progress.Text, async context =>
        {
            while (await Task.WhenAny(restore, Task.Delay(BarInterval)) != restore)
            {
                context.Status = Markup.Escape(progress.Text);
            }
        });

    private static string Snapshot(BackupProgress progress) =>
        $"snapshot {TransferProgress.Megabytes(progress.CopiedBytes + progress.SharedBytes)} of"
        + $" {TransferProgress.Megabytes(progress.TotalBytes)}"
        + $" ({TransferProgress.Megabytes(progress.SharedBytes)} already archived)";

    private static string Log(BackupProgress progress) => string.Create(
        CultureInfo.InvariantCulture,
        $"log to slot {progress.ShippedSlot}, {progress.LagSlots} slots behind")
        + $" ({TransferProgress.Megabytes(progress.LogBytes)})";

    private async Task LinesAsync(Func<bool> isMoving, Func<string> text, Task work)
    {
        long printedMs = Environment.TickCount64;
        while (await Task.WhenAny(work, Task.Delay(LineInterval)) != work)
        {
            if (isMoving() || Environment.TickCount64 - printedMs >= QuietInterval.TotalMilliseconds)
            {
                printedMs = Environment.TickCount64;
                _console.Error.WriteLine(text());
            }
        }
    }

    private async Task BarsAsync(IReadOnlyList<Bar> bars, Task work) => await _terminal!.Progress()
        .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn())
        .StartAsync(async context =>
        {
            ProgressTask[] tasks = [.. bars.Select(bar => context.AddTask(bar.Name))];
            do
            {
                await Task.WhenAny(work, Task.Delay(BarInterval));
                for (int i = 0; i < bars.Count; i++)
                {
                    tasks[i].MaxValue = Math.Max(1, bars[i].Total());
                    tasks[i].Value = bars[i].Done();
                    tasks[i].Description = Markup.Escape(bars[i].Text());
                }
            }
            while (!work.IsCompleted);
        });

    private sealed record Bar(string Name, Func<long> Total, Func<long> Done, Func<string> Text);
}
