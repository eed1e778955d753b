using System.CommandLine;
using System.Globalization;
using System.Runtime.CompilerServices;
using KvCloud.Bench.Clusters;
using KvCloud.Bench.Load;
using KvCloud.Bench.Report;

namespace KvCloud.Bench.Commands;

/// <summary>
/// <c>tls</c>: puts and gets through the client library with TLS off, for clients, for peers and for both, each on a
/// cluster of its own, in turn. The generator encrypts too, on the same machine.
/// </summary>
internal static class TlsCommand
{
    private const long Keys = 10_000;
    private const int MostConnections = 16;

    private static readonly (string Name, TlsPorts? Ports)[] Variants =
    [
        ("off", null),
        ("clients", new TlsPorts(Clients: true, Peers: false)),
        ("peers", new TlsPorts(Clients: false, Peers: true)),
        ("both", new TlsPorts(Clients: true, Peers: true)),
    ];

    private static readonly (string Name, OperationKind Kind, int Clients)[] Works =
    [
        ("puts, 1 client", OperationKind.Set, 1),
        ("puts, 64 clients", OperationKind.Set, 64),
        ("puts, 256 clients", OperationKind.Set, 256),
        ("gets (leader), 1 client", OperationKind.GetLeader, 1),
        ("gets (leader), 64 clients", OperationKind.GetLeader, 64),
    ];

    public static Command Create()
    {
        Option<double> seconds = LoadOptionSet.Make("--seconds", 4.0, "Seconds measured at each point");
        Option<int> rounds = LoadOptionSet.Make("--rounds", 3, "Times that each variant is measured");
        Option<string> dataDirectory = LoadOptionSet.Make(
            "--data-dir", Path.GetTempPath(), "Directory of the servers' data, on a real disk");
        var json = new Option<FileInfo?>("--json") { Description = "Writes the results to this file as JSON" };
        var command = new Command("tls", "Measures puts and gets with TLS off, for clients, for peers, for both")
        {
            seconds, rounds, dataDirectory, json,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string root = parsed.GetRequiredValue(dataDirectory);
            _ = DataDisk.DemandRealDisk(root);
            var results = new Dictionary<string, List<LoadResult>>();
            for (int round = 0; round < parsed.GetValue(rounds); round++)
            {
                foreach ((string name, TlsPorts? ports) in Variants)
                {
                    await MeasureAsync(
                        root, name, ports, TimeSpan.FromSeconds(parsed.GetValue(seconds)), results, cancellationToken)
                        .ConfigureAwait(false);
                }
            }

            Print(results);
            if (parsed.GetValue(json) is { } file)
            {
                await JsonReport.WriteAsync(file.FullName, results, cancellationToken).ConfigureAwait(false);
            }

            return 0;
        });
        return command;
    }

    private static string NameOf(string variant, string work) => $"{variant}: {work}";

    private static async Task MeasureAsync(
        string root,
        string variant,
        TlsPorts? ports,
        TimeSpan duration,
        Dictionary<string, List<LoadResult>> results,
        CancellationToken cancellationToken)
    {
        var cluster = new KvCloudCluster(root, tls: ports);
        await using ConfiguredAsyncDisposable disposal = cluster.ConfigureAwait(false);
        await cluster.StartAsync(cancellationToken).ConfigureAwait(false);
        var options = new LoadOptions
        {
            Driver = DriverKind.Kvcloud,
            Endpoints = cluster.Endpoints,
            ServerPids = [.. cluster.Members.Select(member => member.Pid)],
            Target = TargetKind.All,
            Tls = cluster.ClientTls,
            Keys = Keys,
            Duration = duration,
        };

        // Fills the keys, and warms the code of both sides.
        _ = await LoadGenerator.RunAsync(
            options with { Connections = 4, InFlight = 64, Distribution = KeyDistribution.Sequential },
            TextWriter.Null, cancellationToken).ConfigureAwait(false);
        foreach ((string work, OperationKind kind, int clients) in Works)
        {
            int connections = Math.Min(clients, MostConnections);
            LoadResult result = await LoadGenerator.RunAsync(
                options with
                {
                    Mix = OperationMix.Of(kind),
                    Connections = connections,
                    InFlight = clients / connections,
                },
                TextWriter.Null, cancellationToken).ConfigureAwait(false);
            await Console.Error.WriteLineAsync(
                $"{NameOf(variant, work)}: {ResultTable.Number(result.Throughput)} ops/s").ConfigureAwait(false);
            if (!results.TryGetValue(NameOf(variant, work), out List<LoadResult>? list))
            {
                results[NameOf(variant, work)] = list = [];
            }

            list.Add(result);
        }
    }

    /// <summary>Medians of the rounds, and each beside the one without TLS.</summary>
    private static void Print(Dictionary<string, List<LoadResult>> results)
    {
        string[] columns = ["work", "TLS", "ops/s", "times", "p50 ms", "p99 ms", "CPU µs/op", "gen. µs/op", "errors"];
        var rows = new List<string[]>();
        foreach ((string work, _, _) in Works)
        {
            double off = Median(results[NameOf("off", work)], result => result.Throughput);
            foreach ((string variant, _) in Variants)
            {
                List<LoadResult> list = results[NameOf(variant, work)];
                double throughput = Median(list, result => result.Throughput);
                rows.Add(
                [
                    work,
                    variant,
                    ResultTable.Number(throughput),
                    (throughput / off).ToString("0.00", CultureInfo.InvariantCulture),
                    ResultTable.Number(Median(list, result => result.Latency.P50Ms)),
                    ResultTable.Number(Median(list, result => result.Latency.P99Ms)),
                    ResultTable.Number(Median(list, result => result.ServerCpuMicroseconds ?? 0)),
                    ResultTable.Number(Median(list, result => result.GeneratorCpuMicroseconds)),
                    ResultTable.Number(list.Sum(result => result.Errors)),
                ]);
            }
        }

        ResultTable.Print(columns, rows);
    }

    private static double Median(List<LoadResult> results, Func<LoadResult, double> value)
    {
        double[] sorted = [.. results.Select(value).Order()];
        return sorted[sorted.Length / 2];
    }
}
