using System.Diagnostics;
using System.Runtime.CompilerServices;
using KvCloud.Bench.Clusters;
using KvCloud.Bench.Load;
using KvCloud.Bench.Measure;

namespace KvCloud.Bench.Compare;

/// <summary>All results of a comparison.</summary>
internal sealed record CompareOutcome(
    IReadOnlyDictionary<string, CompareFigure> Figures,
    IReadOnlyList<DurabilityCheck> Durability,
    IReadOnlyDictionary<string, IReadOnlyList<double>> FailoverSeconds,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, IReadOnlyList<LoadResult>>> Results,
    string FileSystem,
    double TookSeconds);

/// <summary>
/// Runs both systems alternately on one machine (A B A B), never concurrently, each round with an empty data directory,
/// with the same generator and workloads for both. Durability is checked and failover measured once per system, in the
/// last round.
/// </summary>
internal sealed class CompareRunner(CompareOptions options, TextWriter log)
{
    private const string KvCloudName = "kvcloud";
    private const string EtcdName = "etcd";

    private readonly IReadOnlyList<CompareWork> _works = CompareWork.All(options.Sweep);
    private readonly Dictionary<string, Dictionary<string, List<LoadResult>>> _results = [];
    private readonly Dictionary<string, IReadOnlyList<double>> _failovers = [];
    private readonly List<DurabilityCheck> _durability = [];

    public async Task<CompareOutcome> RunAsync(CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        string fileSystem = DataDisk.DemandRealDisk(options.DataRoot);
        for (int round = 1; round <= options.Rounds; round++)
        {
            if (options.WithKvCloud)
            {
                await RoundAsync(round, new KvCloudCluster(options.DataRoot), cancellationToken).ConfigureAwait(false);
            }

            if (options.WithEtcd)
            {
                await RoundAsync(round, new EtcdCluster(options.DataRoot), cancellationToken).ConfigureAwait(false);
            }
        }

        return new CompareOutcome(
            Figures(),
            _durability,
            _failovers,
            _results.ToDictionary(
                cluster => cluster.Key,
                cluster => (IReadOnlyDictionary<string, IReadOnlyList<LoadResult>>)cluster.Value.ToDictionary(
                    work => work.Key, work => (IReadOnlyList<LoadResult>)work.Value)),
            fileSystem,
            Math.Round(Stopwatch.GetElapsedTime(started).TotalSeconds, 1));
    }

    private async Task RoundAsync(int round, BenchCluster cluster, CancellationToken cancellationToken)
    {
        await using ConfiguredAsyncDisposable disposal = cluster.ConfigureAwait(false);
        await log.WriteLineAsync($"round {round} of {options.Rounds}: {cluster.Name}").ConfigureAwait(false);
        await cluster.StartAsync(cancellationToken).ConfigureAwait(false);
        bool first = true;
        foreach (CompareWork work in _works)
        {
            LoadOptions load = work.Load(cluster.Driver, cluster.Endpoints, options) with
            {
                ServerPids = [.. cluster.Members.Select(member => member.Pid)],
            };

            // Preload the keys that gets read before the first workload; this also warms up the servers' code.
            load = first ? load with { Preload = CompareWork.PreloadedKeys } : load;
            first = false;
            await RunWorkAsync(cluster, work, load, cancellationToken).ConfigureAwait(false);
        }

        if (round == options.Rounds)
        {
            DurabilityCheck durability = await DurabilityCheck
                .RunAsync(cluster, cancellationToken).ConfigureAwait(false);
            await log.WriteLineAsync($"  {durability}").ConfigureAwait(false);
            _durability.Add(durability);
            await KillAsync(cluster, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task RunWorkAsync(
        BenchCluster cluster, CompareWork work, LoadOptions load, CancellationToken cancellationToken)
    {
        LoadResult result = await LoadGenerator.RunAsync(load, log, cancellationToken).ConfigureAwait(false);
        foreach (IBenchMember member in cluster.Members)
        {
            member.ThrowIfNotRunning();
        }

        if (result.Throughput == 0)
        {
            throw new BenchException(
                $"{cluster.Name} completed no call of {work.Name}: {result.FirstError ?? "no answer came"}");
        }

        string errors = result.Errors > 0 ? $", {result.Errors} errors ({result.FirstError})" : string.Empty;
        await log.WriteLineAsync(
            $"  {work.Name}: {result.Throughput:F0}/s, p50 {result.Latency.P50Ms:F2} ms, p99"
            + $" {result.Latency.P99Ms:F2} ms, "
            + $"CPU {result.ServerCpuMicroseconds:F1} µs, {result.ServerMemoryMb:F0} MB, generator"
            + $" {result.GeneratorCores:F2} cores"
            + errors).ConfigureAwait(false);
        Dictionary<string, List<LoadResult>> works = _results.TryGetValue(cluster.Name, out Dictionary<string,
            List<LoadResult>>? known) ? known : _results[cluster.Name] = [];
        (works.TryGetValue(work.Name, out List<LoadResult>? results) ? results : works[work.Name] = []).Add(result);
    }

    private async Task KillAsync(BenchCluster cluster, CancellationToken cancellationToken)
    {
        if (options.Kills == 0)
        {
            return;
        }

        IReadOnlyList<double> seconds = await new FailoverMeasure(cluster).RunAsync(
            options.Kills, options.KillBudget, cancellationToken)
            .ConfigureAwait(false);
        _failovers[cluster.Name] = [.. seconds.Select(second => Math.Round(second, 3))];
        await log.WriteLineAsync(
            $"  failover: {string.Join(", ", seconds.Select(second => $"{second:F2} s"))}").ConfigureAwait(false);
    }

    private Dictionary<string, CompareFigure> Figures()
    {
        var figures = new Dictionary<string, CompareFigure>();
        foreach (CompareWork? work in _works.Where(work => work.Name != CompareWork.Memory))
        {
            figures[work.Name] = CompareSummary.Of(
                ResultsOf(KvCloudName, work.Name), ResultsOf(EtcdName, work.Name), result => result.Throughput);
        }

        figures[CompareWork.Memory] = CompareSummary.Of(
            ResultsOf(KvCloudName, CompareWork.Memory),
            ResultsOf(EtcdName, CompareWork.Memory),
            result => result.ServerMemoryMb ?? 0);
        if (options.Kills > 0)
        {
            figures[CompareWork.Failover] = CompareSummary.OfSeconds(
                _failovers.GetValueOrDefault(KvCloudName, []), _failovers.GetValueOrDefault(EtcdName, []));
        }

        return figures;
    }

    private List<LoadResult> ResultsOf(string cluster, string work) =>
        _results.TryGetValue(cluster, out Dictionary<string, List<LoadResult>>? works)
            && works.TryGetValue(work, out List<LoadResult>? results) ? results : [];
}
