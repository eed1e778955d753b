using System.Globalization;
using KvCloud.Cli.Output;
using KvCloud.Monitoring;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace KvCloud.Cli.Top;

/// <summary>One run of `kv top`.</summary>
/// <param name="watch">Looks at the nodes.</param>
/// <param name="interval">Between two looks.</param>
/// <param name="looks">How many of them.</param>
internal sealed class TopRun(ClusterWatch watch, TimeSpan interval, int looks)
{
    private static readonly TimeSpan KeyInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>Prints each look.</summary>
    public async Task<int> PrintAsync(Printer printer, CancellationToken cancellationToken)
    {
        // Rates need a look before: it is not printed.
        await watch.LookAsync(cancellationToken);
        ClusterSample sample = ClusterSample.Empty;
        for (int look = 0; look < looks; look++)
        {
            await Task.Delay(interval, cancellationToken);
            sample = await watch.LookAsync(cancellationToken);
            printer.Rows(
                TopRow.Headings, TopRow.Of(sample), row => row.Cells(), (writer, row) => row.Write(writer));
        }

        return CodeOf(sample);
    }

    /// <summary>Shows the newest look on the terminal until q is pressed.</summary>
    public async Task<int> ShowAsync(CancellationToken cancellationToken)
    {
        ClusterSample sample = await watch.LookAsync(cancellationToken);
        using var quit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task keys = WatchKeysAsync(quit);
        try
        {
            await AnsiConsole.Live(Screen(sample)).StartAsync(async live =>
            {
                for (int look = 0; look < looks; look++)
                {
                    await Task.Delay(interval, quit.Token);
                    sample = await watch.LookAsync(quit.Token);
                    live.UpdateTarget(Screen(sample));
                }
            });
        }
        catch (OperationCanceledException) when (quit.IsCancellationRequested)
        {
            // By q, or by Ctrl-C: both are the normal end.
        }

        await quit.CancelAsync();
        await keys;
        return CodeOf(sample);
    }

    private static int CodeOf(ClusterSample sample) => sample.LeaderId is null ? ExitCode.Unavailable : ExitCode.Ok;

    private static async Task WatchKeysAsync(CancellationTokenSource quit)
    {
        try
        {
            while (!quit.IsCancellationRequested)
            {
                if (!Console.IsInputRedirected && Console.KeyAvailable
                    && Console.ReadKey(intercept: true).KeyChar is 'q' or 'Q')
                {
                    await quit.CancelAsync();
                }

                await Task.Delay(KeyInterval, quit.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The end of the run.
        }
    }

    private static Rows Screen(ClusterSample sample)
    {
        Table table = new Table().Border(TableBorder.Rounded);
        foreach (string heading in TopRow.Headings)
        {
            table.AddColumn(new TableColumn(Markup.Escape(heading)).NoWrap());
        }

        foreach (TopRow row in TopRow.Of(sample))
        {
            table.AddRow(row.Cells().Select(cell => (IRenderable)new Text(cell, Tables.StyleOf(cell))));
        }

        string leader = sample.LeaderId is int id
            ? string.Create(CultureInfo.InvariantCulture, $"node {id} leads, term {sample.Term}")
            : "no leader";
        return new Rows(
            new Text(string.Create(
                CultureInfo.InvariantCulture,
                $"{sample.ClusterId ?? "cluster"}  {sample.At.UtcDateTime:HH:mm:ss}Z  {leader},"
                + $" {sample.VotersUp} of {sample.Voters.Count} voters answer, {sample.CallsPerSecond:0} calls/s")),
            table,
            new Text("q: quit", new Style(decoration: Decoration.Dim)));
    }
}
