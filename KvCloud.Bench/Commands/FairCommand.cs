using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using KvCloud.Bench.Clusters;
using KvCloud.Bench.Fair;
using KvCloud.Bench.Load;
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

    private static readonly string[] Columns =
    [
        "beside", "greedy ops/s", "refused", "put p99 alone", "apart", "beside", "times alone", "times apart",
        "get p99 alone", "apart", "beside", "times alone", "times apart",
    ];

    public static Command Create()
    {
        Option<double> seconds = LoadOptionSet.Make("--seconds", 4.0, "Seconds measured, alone and beside");
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
            seconds, only, sameAddress, maxCalls, maxBytes, dataDirectory, json,
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
            List<FairFigure> figures = await RunAsync(
                () => new KvCloudCluster(root, settings: rates),
                works,
                TimeSpan.FromSeconds(parsed.GetValue(seconds)),
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

    private static async Task<List<FairFigure>> RunAsync(
        Func<KvCloudCluster> newCluster,
        List<GreedyWork> works,
        TimeSpan duration,
        bool sameAddress,
        CancellationToken cancellationToken)
    {
        KvCloudCluster cluster = newCluster();
        await using ConfiguredAsyncDisposable disposal = cluster.ConfigureAwait(false);
        KvCloudCluster other = newCluster();
        await using ConfiguredAsyncDisposable otherDisposal = other.ConfigureAwait(false);
        await cluster.StartAsync(cancellationToken).ConfigureAwait(false);
        await other.StartAsync(cancellationToken).ConfigureAwait(false);
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

        // Warms the servers' code, and gives the ranges something to read.
        foreach (LoadOptions preload in new[] { modest, To(other, modest) })
        {
            _ = await LoadGenerator.RunAsync(preload with { Preload = Keys }, TextWriter.Null, cancellationToken)
                .ConfigureAwait(false);
        }

        var figures = new List<FairFigure>();
        foreach (GreedyWork work in works)
        {
            await Console.Error.WriteLineAsync(work.Name).ConfigureAwait(false);

            // One of its own for each: rates remember what a caller owes.
            LoadOptions greedy = work.Of(modest) with
            {
                SourceAddresses = sameAddress ? [] : [Address(100 + figures.Count)],
            };
            LoadResult alone = await LoadGenerator.RunAsync(modest, TextWriter.Null, cancellationToken)
                .ConfigureAwait(false);
            (LoadResult apart, _) = await BesideAsync(modest, To(other, greedy), cancellationToken)
                .ConfigureAwait(false);
            (LoadResult beside, GreedyResult got) = await BesideAsync(modest, greedy, cancellationToken)
                .ConfigureAwait(false);
            figures.Add(new FairFigure(work.Name, alone, apart, beside, got));
        }

        return figures;
    }

    private static async Task<(LoadResult Modest, GreedyResult Greedy)> BesideAsync(
        LoadOptions modest, LoadOptions greedy, CancellationToken cancellationToken)
    {
        // A second until it is known to call, and one more so that it calls to the end.
        TimeSpan duration = modest.Duration + modest.Warmup + TimeSpan.FromSeconds(2);
        using var client = new GreedyClient(greedy with { Duration = duration });
        await client.CallsAsync(cancellationToken).ConfigureAwait(false);
        LoadResult beside = await LoadGenerator.RunAsync(modest, TextWriter.Null, cancellationToken)
            .ConfigureAwait(false);
        return (beside, await client.EndsAsync(cancellationToken).ConfigureAwait(false));
    }

    private static LoadOptions To(KvCloudCluster cluster, LoadOptions load) => load with
    {
        Endpoints = cluster.Endpoints,
        ServerPids = [.. cluster.Members.Select(member => member.Pid)],
    };

    private static IPAddress Address(int last) => new([127, 0, 0, (byte)last]);

    private static string[] Row(FairFigure figure) =>
    [
        figure.Work, ResultTable.Number(figure.Greedy.Throughput), ResultTable.Number(figure.Greedy.Errors),
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
