using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Tests.Live.Lifecycle;

namespace KvCloud.Tests.Live.Soak;

/// <summary>Runs three replicas under load and faults, and samples their resources and latencies.</summary>
internal sealed class SoakRun(SoakOptions options)
{
    private const int Members = 3;

    /// <summary>The most replicas that a configuration can name.</summary>
    private const int Numbers = 32;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly SoakReport _report = new();

    public async Task<SoakReport> RunAsync()
    {
        string path = Directory.CreateTempSubdirectory("kvcloud-soak-").FullName;
        try
        {
            await RunAsync(path);
        }
        catch (Exception exception) when (exception is ReplicaDownException or TimeoutException or KvCloudException)
        {
            _report.Findings.Add(exception.Message);
        }

        if (_report.Findings.Count == 0)
        {
            Directory.Delete(path, recursive: true);
        }
        else
        {
            options.Tell($"the replicas' directories are left in {path}");
        }

        return _report;
    }

    private async Task RunAsync(string path)
    {
        await using GrowingCluster cluster = await GrowingCluster.StartAsync(new GrowingClusterOptions
        {
            Members = Members,
            Numbers = Numbers,
            HasProxies = true,
            DataRoot = path,
            Environment = _ => Settings,
        });
        await using var load = new KeptLoad(
            cluster.Members.Select(cluster.ClientEndpointOf), options.Load, options.Seed);
        var sampler = new SoakSampler(cluster, load, options.SampleEvery);
        var faults = new SoakFaults(cluster, options, _report, () => sampler.Elapsed);
        using var stop = new CancellationTokenSource(options.Time);
        using var done = new CancellationTokenSource();
        Task sampling = sampler.RunAsync(done.Token);
        try
        {
            await faults.RunAsync(stop.Token);
            await cluster.WaitHealthyAsync(Patience);
            await load.NextAcknowledgedAsync(Patience);
        }
        finally
        {
            await done.CancelAsync();
            await sampling;
            await load.StopAsync();
            Note(cluster, load, sampler);
            Save(sampler, faults);
        }

        await CheckAsync(cluster, load);
    }

    /// <summary>
    /// Little log, so that a replica that was down needs a snapshot, and a short retention of versions.
    /// </summary>
    private static IEnumerable<KeyValuePair<string, string?>> Settings =>
    [
        new("KvCloud__Snapshots__LogRetentionBytes", "0"),
        new("KvCloud__Rocksdb__WriteBufferSizeMb", "4"),
        new("KvCloud__Mvcc__RetentionSeconds", "20"),
        new("DOTNET_EnableDiagnostics", "0"),
    ];

    private void Note(GrowingCluster cluster, KeptLoad load, SoakSampler sampler)
    {
        _report.Acknowledged = load.Writes.Total;
        _report.Reads = load.Reads.Total;
        _report.Snapshots = cluster.Snapshots;
        _report.Unknown = sampler.Calls.Sum(sample => sample.Writes.Unknown);
        _report.LongestPauseOfWrites = sampler.Calls.Select(sample => sample.Writes.LongestPause)
            .DefaultIfEmpty(TimeSpan.Zero).Max();
        _report.Findings.AddRange(cluster.Alarms);
        _report.Findings.AddRange(load.Violations);
        foreach (SoakMeasure measure in SoakMeasure.All)
        {
            (TimeSpan Time, double Value)[] series =
                [.. measure.Series(sampler).Where(sample => sample.Time >= options.EffectiveWarmUp)];
            if (Trend.Of(series) is Trend trend)
            {
                _report.Trends.Add((measure, trend));
            }
        }
    }

    private void Save(SoakSampler sampler, SoakFaults faults)
    {
        if (options.OutputDirectory is string directory)
        {
            SoakFiles.Save(directory, sampler, faults.Made);
            SoakPicture.Save(Path.Combine(directory, "soak.png"), sampler);
            options.Tell($"samples and picture are in {directory}");
        }
    }

    private async Task CheckAsync(GrowingCluster cluster, KeptLoad load)
    {
        foreach (int node in cluster.Members)
        {
            (int lost, IReadOnlyList<string> examples) = await load.FindLostAsync(cluster.ClientEndpointOf(node));
            _report.Lost += lost;
            if (lost > 0)
            {
                _report.Findings.Add($"node-{node} lost {lost} acknowledged writes: {string.Join("; ", examples)}");
            }
        }
    }
}
