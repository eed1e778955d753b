using System.CommandLine;
using System.Globalization;
using System.Runtime.CompilerServices;
using KvCloud.Bench.Clusters;
using KvCloud.Bench.Load;
using KvCloud.Bench.Report;

namespace KvCloud.Bench.Commands;

/// <summary>
/// <c>scale</c>: the cost of an operation as one parameter grows: stored keys, value size, replicas, or calls in
/// flight. Starts its own clusters, a new one for each value that is a property of the cluster.
/// </summary>
internal static class ScaleCommand
{
    private const int ScaleConnections = 64;

    public static Command Create()
    {
        Option<string> dataSize = List("--data-size", "Numbers of stored keys, e.g. 10000,100000,1000000,10000000");
        Option<string> valueSize = List("--value-size", "Bytes of a value, e.g. 16,256,4096,65536,262144");
        Option<string> replicas = List("--replicas", "Members, e.g. 1,3,5");
        Option<string> inFlight = List("--in-flight", "Calls in flight in total, e.g. 1,16,64,256,1024");
        Option<string> system = LoadOptionSet.Make("--system", "kvcloud", "kvcloud | etcd");
        Option<double> seconds = LoadOptionSet.Make("--seconds", 5.0, "Seconds measured at each point");
        Option<string> dataDirectory = LoadOptionSet.Make(
            "--data-dir", Path.GetTempPath(), "Directory of the servers' data, on a real disk");
        var json = new Option<FileInfo?>("--json") { Description = "Writes the results to this file as JSON" };
        var command = new Command("scale", "Measures puts and gets as one parameter grows; choose one of the four")
        {
            dataSize, valueSize, replicas, inFlight, system, seconds, dataDirectory, json,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Option<string>[] axes = [dataSize, valueSize, replicas, inFlight];
            var named = axes.Where(axis => parsed.GetValue(axis) is not null).ToList();
            if (named.Count != 1)
            {
                throw new BenchException($"name one of {string.Join(", ", axes.Select(axis => axis.Name))}");
            }

            string root = parsed.GetRequiredValue(dataDirectory);
            _ = DataDisk.DemandRealDisk(root);
            var run = new ScaleRun(
                root, parsed.GetRequiredValue(system), TimeSpan.FromSeconds(parsed.GetValue(seconds)));
            var results = new Dictionary<string, LoadResult>();
            foreach (long value in Values(named[0].Name, parsed.GetRequiredValue(named[0])))
            {
                await run.PointAsync(named[0].Name, value, results, cancellationToken).ConfigureAwait(false);
            }

            ResultTable.Print([.. results.Values], [.. results.Keys]);
            if (parsed.GetValue(json) is { } file)
            {
                await JsonReport.WriteAsync(file.FullName, results, cancellationToken).ConfigureAwait(false);
            }

            return 0;
        });
        return command;
    }

    private static Option<string> List(string name, string description) => new(name) { Description = description };

    private static IEnumerable<long> Values(string name, string text) => text.Split(',').Select(part =>
        long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value > 0
            ? value
            : throw new BenchException($"{name} has '{part}', which is not a number above 0"));

    /// <summary>
    /// The points of one run, each on a new cluster, so that earlier points do not affect later ones.
    /// </summary>
    private sealed class ScaleRun(string dataRoot, string system, TimeSpan duration)
    {
        private const long UsualKeys = 100_000;
        private const int UsualReplicas = 3;
        private const int UsualClients = 256;
        private const int UsualValueBytes = 100;
        private const long LargestPreloadBytes = 1L << 30;

        public async Task PointAsync(
            string axis, long value, Dictionary<string, LoadResult> results, CancellationToken cancellationToken)
        {
            int replicas = axis == "--replicas" ? (int)value : UsualReplicas;
            int clients = axis == "--in-flight" ? (int)value : UsualClients;
            int valueBytes = axis == "--value-size" ? (int)value : UsualValueBytes;
            long keys = axis == "--data-size" ? value : Math.Min(UsualKeys, LargestPreloadBytes / valueBytes);
            BenchCluster cluster = system switch
            {
                "kvcloud" => new KvCloudCluster(dataRoot, replicas),
                "etcd" => new EtcdCluster(dataRoot, replicas),
                _ => throw new BenchException($"--system {system}: must be kvcloud or etcd"),
            };
            await using ConfiguredAsyncDisposable disposal = cluster.ConfigureAwait(false);
            await cluster.StartAsync(cancellationToken).ConfigureAwait(false);
            int connections = Math.Min(clients, ScaleConnections);
            var options = new LoadOptions
            {
                Driver = cluster.Driver,
                Endpoints = cluster.Endpoints,
                ServerPids = [.. cluster.Members.Select(member => member.Pid)],
                Keys = keys,
                Preload = keys,
                ValueSizeBytes = valueBytes,
                Connections = connections,
                InFlight = Math.Max(1, clients / connections),
                Duration = duration,
            };
            foreach (OperationKind kind in new[] { OperationKind.Set, OperationKind.GetLeader, OperationKind.GetLocal })
            {
                string name = string.Create(
                    CultureInfo.InvariantCulture, $"{axis[2..]} {value}: {OperationMix.NameOf(kind)}");
                await Console.Error.WriteLineAsync(name).ConfigureAwait(false);
                results[name] = await LoadGenerator.RunAsync(
                    options with { Mix = OperationMix.Of(kind) }, TextWriter.Null,
                    cancellationToken).ConfigureAwait(false);
                options = options with { Preload = 0 };
            }
        }
    }
}
