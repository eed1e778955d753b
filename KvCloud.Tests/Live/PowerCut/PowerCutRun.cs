using System.Diagnostics;
using System.Globalization;
using KvCloud.Client;
using KvCloud.LocalCluster;

namespace KvCloud.Tests.Live.PowerCut;

/// <summary>What a run does.</summary>
internal sealed record PowerCutOptions
{
    public int Cuts { get; init; } = 3;

    /// <summary>Of moments and coins. Processes have a timing of their own, so a run is not repeated by it.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>After so many cuts the next cluster begins with empty disks.</summary>
    public int CutsOfOneCluster { get; init; } = 20;

    /// <summary>Before the last cut syncs are pretended, and it takes all that was not synced.</summary>
    public bool IsSabotaged { get; init; }

    /// <summary>Leave the disks, and say where.</summary>
    public bool IsKept { get; init; }

    public Action<string> Tell { get; init; } = _ => { };
}

/// <summary>What a run found.</summary>
internal sealed record PowerCutReport
{
    public int Cuts { get; set; }

    /// <summary>Of them: those that fell into a start.</summary>
    public int CutsWhileStarting { get; set; }

    /// <summary>Of them: those that one replica began itself, in the middle of a sync or a change of names.</summary>
    public int CutsInTheMiddle { get; set; }

    public long Acknowledged { get; set; }

    /// <summary>Acknowledged writes that some replica does not have.</summary>
    public long Lost { get; set; }

    public DiskLoss Loss { get; set; }

    /// <summary>From the start of the processes until all are ready and a write is acknowledged.</summary>
    public List<TimeSpan> Recoveries { get; } = [];

    /// <summary>Losses, refusals to start, alarms: anything that must not be.</summary>
    public List<string> Findings { get; } = [];

    public override string ToString()
    {
        double[] seconds = [.. Recoveries.Select(time => time.TotalSeconds).Order()];
        string times = seconds.Length == 0 ? "none" : string.Create(
            CultureInfo.InvariantCulture,
            $"{seconds.Length}, median {seconds[seconds.Length / 2]:F1} s, slowest {seconds[^1]:F1} s");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"""
            cuts                 {Cuts}, {CutsWhileStarting} of them during a start
            begun by a replica   {CutsInTheMiddle} of them, in the middle of a sync or a change of names
            acknowledged writes  {Acknowledged}
            lost writes          {Lost}
            sectors rolled back  {Loss.SectorsLost} of {Loss.Sectors} that were not synced
            names rolled back    {Loss.NamesLost} of {Loss.Names} that were not synced
            recoveries           {times}
            """);
    }
}

/// <summary>Three replicas under load, all of which lose their power at once, again and again.</summary>
internal sealed class PowerCutRun(PowerCutOptions options)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Random _random = new(options.Seed);
    private readonly PowerCutReport _report = new();

    public async Task<PowerCutReport> RunAsync()
    {
        while (_report.Cuts < options.Cuts && _report.Findings.Count == 0)
        {
            await RunClusterAsync(Math.Min(options.CutsOfOneCluster, options.Cuts - _report.Cuts));
        }

        return _report;
    }

    private async Task RunClusterAsync(int cuts)
    {
        string path = Directory.CreateTempSubdirectory("kvcloud-power-").FullName;
        await using var cluster = new PowerCutCluster(path) { IsKept = options.IsKept };
        await using var load = new PowerCutLoad(cluster, _random.Next());
        if (options.IsKept)
        {
            options.Tell($"disks in {path}");
        }

        try
        {
            int last = _report.Cuts + cuts;
            await StartAsync(cluster, load, last, isFirst: true);
            while (_report.Cuts < last && _report.Findings.Count == 0)
            {
                await RunRoundAsync(cluster, load, last);
            }

            await load.StopAsync();
            await CheckAsync(cluster, load, rounds: null);
        }
        catch (Exception exception) when (exception is ReplicaDownException or TimeoutException or KvCloudException)
        {
            _report.Findings.Add(exception.Message);
        }

        _report.Acknowledged += load.Acknowledged;
        if (_report.Findings.Count > 0 && !options.IsSabotaged)
        {
            cluster.IsKept = true;
            options.Tell($"disks are left in {path}");
        }
    }

    private async Task RunRoundAsync(PowerCutCluster cluster, PowerCutLoad load, int last)
    {
        load.BeginRound();
        await Task.Delay(_random.Next(50, 2500));
        bool isSabotaged = options.IsSabotaged && _report.Cuts == last - 1;
        if (isSabotaged)
        {
            foreach (LossyDisk disk in cluster.Disks)
            {
                disk.IsSabotaged = true;
            }

            await load.NextAcknowledgedAsync(Patience);
            await Task.Delay(500);
        }
        else if (_random.Next(2) == 0)
        {
            await TripAsync(cluster, () => { });
        }

        await CutAsync(cluster, isSabotaged ? 0 : null);
        foreach (LossyDisk disk in cluster.Disks)
        {
            disk.IsSabotaged = false;
        }

        await StartAsync(cluster, load, last, isFirst: false);
        await CheckAsync(cluster, load, rounds: 3);
    }

    /// <summary>
    /// Starts all, sometimes cuts them off before they are up, sometimes leaves one down for a while, and waits until
    /// they work again. The last cut is never one of these: without load there would be nothing to lose.
    /// </summary>
    private async Task StartAsync(PowerCutCluster cluster, PowerCutLoad load, int last, bool isFirst)
    {
        while (_report.Cuts < last - 1 && !options.IsSabotaged && _random.Next(isFirst ? 2 : 4) == 0)
        {
            if (_random.Next(2) == 0)
            {
                await TripAsync(cluster, cluster.Start);
            }
            else
            {
                cluster.Start();
                await Task.Delay(_random.Next(3000));
            }

            _report.CutsWhileStarting++;
            await CutAsync(cluster, null);
        }

        long start = Stopwatch.GetTimestamp();
        if (!isFirst && _random.Next(5) == 0)
        {
            int late = _random.Next(PowerCutCluster.Count);
            int[] others = [.. Enumerable.Range(0, PowerCutCluster.Count).Where(index => index != late)];
            Array.ForEach(others, cluster.Start);
            await cluster.WaitHealthyAsync(Patience, others);
            await load.NextAcknowledgedAsync(Patience);
            cluster.Start(late);
        }
        else
        {
            cluster.Start();
        }

        await cluster.WaitHealthyAsync(Patience);
        await load.NextAcknowledgedAsync(Patience);
        if (!isFirst)
        {
            _report.Recoveries.Add(Stopwatch.GetElapsedTime(start));
        }
    }

    /// <summary>Has one replica be the first that dies, at a moment of its disk's choice.</summary>
    private async Task TripAsync(PowerCutCluster cluster, Action start)
    {
        int index = _random.Next(PowerCutCluster.Count);
        cluster.Disks[index].IsTripping = true;
        start();
        _report.CutsInTheMiddle += await cluster.WaitTrippedAsync(index, TimeSpan.FromSeconds(4)) ? 1 : 0;
    }

    private async Task CutAsync(PowerCutCluster cluster, double? survival)
    {
        DiskLoss loss = await cluster.CutAsync(_random, survival);
        _report.Cuts++;
        _report.Loss += loss;
        options.Tell($"cut {_report.Cuts}: {loss}");
    }

    private async Task CheckAsync(PowerCutCluster cluster, PowerCutLoad load, int? rounds)
    {
        for (int index = 0; index < PowerCutCluster.Count; index++)
        {
            IReadOnlyList<string> lost = await load.FindLostAsync(index, rounds);
            _report.Lost += lost.Count;
            if (lost.Count > 0)
            {
                _report.Findings.Add(
                    $"node-{index} lost {lost.Count} acknowledged writes: {string.Join("; ", lost.Take(5))}");
            }
        }

        _report.Findings.AddRange(cluster.Alarms.Except(_report.Findings));
        _report.Findings.AddRange(load.Failures.Except(_report.Findings));
    }
}
