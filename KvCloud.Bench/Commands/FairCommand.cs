using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using KvCloud.Bench.Clusters;
using KvCloud.Bench.Fair;
using KvCloud.Bench.Load;
using KvCloud.Bench.Measure;
using KvCloud.Bench.Report;

namespace KvCloud.Bench.Commands;

/// <summary>
/// <c>fair</c>: ten modest clients, one call after the other, alone, beside one greedy client, and while that one calls
/// another cluster on the same machine. Starts its own clusters.
/// </summary>
internal static class FairCommand
{
    private const int Modest = 10;
    private const long Keys = 20_000;

    /// <summary>Idle replicas, six of them too, take less of a core.</summary>
    private const double SettledCpuShare = 0.2;

    /// <summary>
    /// For so long all have called beside each other when measuring begins: what the greedy client has sent before the
    /// others came is written and compacted by then.
    /// </summary>
    private static readonly TimeSpan WarmupBeside = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan SettleInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan MaxSettleTime = TimeSpan.FromSeconds(15);

    private static readonly string[] Columns =
    [
        "beside", "greedy calls/s", "refused", "put p99 alone", "apart", "beside", "times alone", "times apart",
        "get p99 alone", "apart", "beside", "times alone", "times apart",
    ];

    public static Command Create()
    {
        Option<double> seconds = LoadOptionSet.Make("--seconds", 4.0, "Seconds measured, alone and beside");
        Option<int> rounds = LoadOptionSet.Make(
            "--rounds", 3, "How often each is measured, alone and beside; the medians count");
        Option<string> only = LoadOptionSet.Make("--only", "", "Only the greedy work whose name contains this");
        Option<bool> sameAddress = LoadOptionSet.Make(
            "--same-address", false, "All clients come from one address, and differ only by their connections");
        Option<long> maxCalls = LoadOptionSet.Make(
            "--max-calls-per-second", 0L, "[limits] max_calls_per_second of the replicas; 0 for no limit");
        Option<long> maxBytes = LoadOptionSet.Make(
            "--max-bytes-per-second", 0L, "[limits] max_bytes_per_second of the replicas; 0 for no limit");
        Option<string> dataDirectory = LoadOptionSet.Make(
            "--data-dir", Path.GetTempPath(), "Directory of the servers' data, on a real disk");
        var json = new Option<FileInfo?>("--json") { Description = "Writes the results to this file as JSON" };
        var command = new Command("fair", "Measures ten modest clients alone and beside a greedy one")
        {
            seconds, rounds, only, sameAddress, maxCalls, maxBytes, dataDirectory, json,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string root = parsed.GetRequiredValue(dataDirectory);
            _ = DataDisk.DemandRealDisk(root);
            List<GreedyWork> works =
                [.. GreedyWork.All.Where(work => work.Name.Contains(parsed.GetRequiredValue(only)))];
            KeyValuePair<string, string?>[] rates =
            [
                Setting("KvCloud__Limits__MaxCallsPerSecond", parsed.GetValue(maxCalls)),
                Setting("KvCloud__Limits__MaxBytesPerSecond", parsed.GetValue(maxBytes)),
            ];
            IReadOnlyList<FairFigure> figures = await RunAsync(
                () => new KvCloudCluster(root, settings: rates),
                works,
                TimeSpan.FromSeconds(parsed.GetValue(seconds)),
                Math.Max(1, parsed.GetValue(rounds)),
                parsed.GetValue(sameAddress),
                cancellationToken).ConfigureAwait(false);
            ResultTable.Print(Columns, [.. figures.Select(Row)]);
            if (parsed.GetValue(json) is { } file)
            {
                await JsonReport.WriteAsync(file.FullName, figures, cancellationToken).ConfigureAwait(false);
            }

            return 0;
        });
        return command;
    }

    private static KeyValuePair<string, string?> Setting(string name, long value) =>
        new(name, value.ToString(CultureInfo.InvariantCulture));

    private static async Task<IReadOnlyList<FairFigure>> RunAsync(
        Func<KvCloudCluster> newCluster,
        List<GreedyWork> works,
        TimeSpan duration,
        int rounds,
        bool sameAddress,
        CancellationToken cancellationToken)
    {
        KvCloudCluster cluster = newCluster();
        await using ConfiguredAsyncDisposable disposal = cluster.ConfigureAwait(false);
        await cluster.StartAsync(cancellationToken).ConfigureAwait(false);
        var modest = new LoadOptions
        {
            Endpoints = cluster.Endpoints,
            ServerPids = [.. cluster.Members.Select(member => member.Pid)],
            Mix = OperationMix.Parse("set:50,get_leader:50"),
            Target = TargetKind.Leader,
            Keys = Keys,
            Connections = Modest,
            InFlight = 1,
            Duration = duration,
            SourceAddresses = sameAddress ? [] : [.. Enumerable.Range(10, Modest).Select(Address)],
        };

        _ = await WarmAsync(modest, cancellationToken).ConfigureAwait(false);
        FairFigure[] figures = [.. works.Select(work => new FairFigure(work.Name, [], [], [], []))];
        for (int i = 0; i < works.Count * rounds; i++)
        {
            FairFigure figure = figures[i / rounds];
            await SettleAsync(modest.ServerPids, cancellationToken).ConfigureAwait(false);
            LoadResult alone = await LoadGenerator.RunAsync(modest, TextWriter.Null, cancellationToken)
                .ConfigureAwait(false);
            (LoadResult beside, GreedyResult got) = await BesideAsync(modest, Greedy(i / rounds), cancellationToken)
                .ConfigureAwait(false);
            figures[i / rounds] = figure with
            {
                Alone = [.. figure.Alone, alone],
                Beside = [.. figure.Beside, beside],
                Greedy = [.. figure.Greedy, got],
            };
        }

        // Not before: what it compacts would fall into the others' figures.
        KvCloudCluster other = newCluster();
        await using ConfiguredAsyncDisposable otherDisposal = other.ConfigureAwait(false);
        await other.StartAsync(cancellationToken).ConfigureAwait(false);
        _ = await WarmAsync(To(other, modest), cancellationToken).ConfigureAwait(false);
        for (int i = 0; i < works.Count; i++)
        {
            LoadOptions greedy = To(other, Greedy(i));
            await SettleAsync([.. modest.ServerPids, .. greedy.ServerPids], cancellationToken).ConfigureAwait(false);
            (LoadResult apart, _) = await BesideAsync(modest, greedy, cancellationToken).ConfigureAwait(false);
            figures[i] = figures[i] with { Apart = [apart] };
        }

        return figures;

        // Each has an address of its own: rates remember what a caller owes.
        LoadOptions Greedy(int index) => works[index].Of(modest) with
        {
            SourceAddresses = sameAddress ? [] : [Address(100 + index)],
        };
    }

    /// <summary>Warms the servers' code, and gives ranges something to read.</summary>
    private static Task<LoadResult> WarmAsync(LoadOptions modest, CancellationToken cancellationToken) =>
        LoadGenerator.RunAsync(modest with { Preload = Keys }, TextWriter.Null, cancellationToken);

    /// <summary>
    /// Waits until the servers have compacted what was written, so that nothing of it falls into what is measured next.
    /// </summary>
    private static async Task SettleAsync(IReadOnlyList<int> pids, CancellationToken cancellationToken)
    {
        double before = ServerUsage.Read(pids).CpuSeconds;
        for (TimeSpan waited = TimeSpan.Zero; waited < MaxSettleTime; waited += SettleInterval)
        {
            await Task.Delay(SettleInterval, cancellationToken).ConfigureAwait(false);
            double after = ServerUsage.Read(pids).CpuSeconds;
            if (after - before < SettledCpuShare * SettleInterval.TotalSeconds)
            {
                return;
            }

            before = after;
        }
    }

    private static async Task<(LoadResult Modest, GreedyResult Greedy)> BesideAsync(
        LoadOptions modest, LoadOptions greedy, CancellationToken cancellationToken)
    {
        // A second until it is known to call, and one more so that it calls to the end.
        TimeSpan duration = modest.Duration + WarmupBeside + TimeSpan.FromSeconds(2);
        using var client = new GreedyClient(greedy with { Duration = duration });
        await client.CallsAsync(cancellationToken).ConfigureAwait(false);
        long from = Stopwatch.GetTimestamp() + (long)(WarmupBeside.TotalSeconds * Stopwatch.Frequency);
        LoadResult beside = await LoadGenerator
            .RunAsync(modest with { Warmup = WarmupBeside }, TextWriter.Null, cancellationToken)
            .ConfigureAwait(false);
        return (beside, await client.EndsAsync(from, Stopwatch.GetTimestamp(), cancellationToken)
            .ConfigureAwait(false));
    }

    private static LoadOptions To(KvCloudCluster cluster, LoadOptions load) => load with
    {
        Endpoints = cluster.Endpoints,
        ServerPids = [.. cluster.Members.Select(member => member.Pid)],
    };

    private static IPAddress Address(int last) => new([127, 0, 0, (byte)last]);

    private static string[] Row(FairFigure figure) =>
    [
        figure.Work,
        ResultTable.Number(figure.Greedy.Average(got => got.Throughput)),
        ResultTable.Number(figure.Greedy.Sum(got => got.Errors)),
        .. Cells(figure, OperationKind.Set), .. Cells(figure, OperationKind.GetLeader),
    ];

    private static string[] Cells(FairFigure figure, OperationKind kind) =>
    [
        ResultTable.Number(FairFigure.P99Of(figure.Alone, kind)),
        ResultTable.Number(FairFigure.P99Of(figure.Apart, kind)),
        ResultTable.Number(FairFigure.P99Of(figure.Beside, kind)),
        ResultTable.Number(figure.RatioOf(kind)),
        ResultTable.Number(figure.RatioToApart(kind)),
    ];
}
