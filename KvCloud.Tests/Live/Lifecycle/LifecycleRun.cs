using System.Diagnostics;
using System.Globalization;
using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Protocol;

namespace KvCloud.Tests.Live.Lifecycle;

/// <summary>
/// The life of a cluster in a few minutes, under constant load: a replica is lost and replaced, the group grows and
/// shrinks, a replica moves, rolling restarts, full disks, and a restore of a backup. Measures what callers notice of
/// each step.
/// </summary>
internal sealed class LifecycleRun(LifecycleOptions options)
{
    private const string Roll = "roll all";
    private const int Numbers = 16;
    private const long Megabyte = 1024 * 1024;
    private const int LowSpaceMb = 48;
    private const int MinSpaceMb = 16;

    /// <summary>Several times the space that a replica of such a run needs.</summary>
    private const int SmallDiskMb = 1024;

    /// <summary>A replica checks its free space once a second.</summary>
    private static readonly TimeSpan LooksAtSpace = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly LifecycleReport _report = new();
    private readonly List<SmallDisk> _disks = [];

    public async Task<LifecycleReport> RunAsync()
    {
        string path = Directory.CreateTempSubdirectory("kvcloud-life-").FullName;
        try
        {
            await RunAsync(path);
        }
        catch (Exception exception) when (exception is ReplicaDownException or TimeoutException or KvCloudException)
        {
            options.Tell(exception.Message);
            _report.Findings.Add(exception.Message);
        }
        finally
        {
            _disks.ForEach(disk => disk.Dispose());
            Directory.Delete(path, recursive: true);
        }

        return _report;
    }

    private async Task RunAsync(string path)
    {
        long started = Stopwatch.GetTimestamp();
        await using GrowingCluster cluster = await GrowingCluster.StartAsync(new GrowingClusterOptions
        {
            Members = options.Sizes.First,
            Numbers = Numbers,
            DataRoot = path,
            LogDirectory = options.LogDirectory,
            Environment = _ =>
            [
                new("KvCloud__Database__LowSpaceMb", $"{LowSpaceMb}"),
                new("KvCloud__Database__MinSpaceMb", $"{MinSpaceMb}"),
                new("KvCloud__Rocksdb__WriteBufferSizeMb", "4"),
                new("DOTNET_EnableDiagnostics", "0"),
            ],
        });
        options.Tell(string.Create(
            CultureInfo.InvariantCulture,
            $"{options.Sizes.First} replicas, healthy after {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s"));
        await using var load = new KeptLoad(
            cluster.Members.Select(cluster.ClientEndpointOf), options.Load, options.Seed);
        await load.NextAcknowledgedAsync(Patience);
        await StepAsync(load, "load", () => Task.FromResult("nothing but load"));
        await RollAsync(cluster, load);
        await LoseAndReplaceAsync(cluster, load);
        await StepAsync(load, $"grow to {options.Sizes.Most}", () => GrowAsync(cluster));
        await StepAsync(load, $"shrink to {options.Sizes.Last}", () => ShrinkAsync(cluster));
        await StepAsync(load, "move", () => MoveAsync(cluster));
        await RollAsync(cluster, load);
        await FillDisksAsync(cluster, load);
        await BackUpAndRestoreAsync(cluster, load, path);
        await load.StopAsync();
        _report.Acknowledged = load.Writes.Total;
        _report.Reads = load.Reads.Total;
        await CheckAsync(cluster, load);
    }

    /// <summary>Runs a step, and measures what the load notices of it, <c>Rest</c> after it included.</summary>
    private async Task StepAsync(KeptLoad load, string name, Func<Task<string>> run)
    {
        load.Writes.Take();
        load.Reads.Take();
        long started = Stopwatch.GetTimestamp();
        string what = await run();
        TimeSpan took = Stopwatch.GetElapsedTime(started);
        await load.NextAcknowledgedAsync(Patience);
        await Task.Delay(options.Rest);
        var step = new LifecycleStep(name, what, took, load.Writes.Take(), load.Reads.Take());
        _report.Steps.Add(step);
        double pauseMs = step.Writes.LongestPause.TotalMilliseconds;
        options.Tell(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: {what} ({took.TotalSeconds:0.0} s, longest pause of writes {pauseMs:0} ms)"));
        if (name.StartsWith(Roll, StringComparison.Ordinal) && step.Writes.LongestPause > options.LongestPauseOfRoll)
        {
            _report.Findings.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"rolling restarts cost a pause of {pauseMs:0} ms"));
        }
    }

    private async Task LoseAndReplaceAsync(GrowingCluster cluster, KeptLoad load)
    {
        int lost = await cluster.LeaderAsync(Patience);
        await StepAsync(load, "kill and wipe", async () =>
        {
            await cluster.Processes.KillAsync(lost);
            Directory.Delete(cluster.DirectoryOf(lost), recursive: true);
            return $"node-{lost}, which led";
        });
        await StepAsync(load, "replace", async () =>
        {
            int added = await cluster.AddAsync(Patience);
            await cluster.ReplaceAsync(lost, added, Patience);
            return $"node-{lost} by node-{added}";
        });
    }

    private async Task<string> GrowAsync(GrowingCluster cluster)
    {
        var added = new List<int>();
        while (cluster.Members.Count < options.Sizes.Most)
        {
            int node = await cluster.AddAsync(Patience);
            await cluster.PromoteAsync(node, Patience);
            added.Add(node);
        }

        await cluster.WaitHealthyAsync(Patience);
        return $"by {Names(added)}";
    }

    private async Task<string> ShrinkAsync(GrowingCluster cluster)
    {
        var removed = new List<int>();
        while (cluster.Members.Count > options.Sizes.Last)
        {
            int node = cluster.Members[0];
            await cluster.RemoveAsync(node, Patience);
            removed.Add(node);
        }

        await cluster.WaitHealthyAsync(Patience);
        return $"without {Names(removed)}";
    }

    private static async Task<string> MoveAsync(GrowingCluster cluster)
    {
        int node = cluster.Members[0];
        string before = cluster.PeerEndpointOf(node);
        await cluster.Processes.StopAsync(node);
        await cluster.ChangeAsync(cluster.Move(node), Patience);
        cluster.Start(node);
        await cluster.WaitHealthyAsync(Patience);
        return $"node-{node} from {before} to {cluster.PeerEndpointOf(node)}";
    }

    /// <summary>Rolling restart: SIGTERM and start, one replica after the other, each once all are healthy.</summary>
    private async Task RollAsync(GrowingCluster cluster, KeptLoad load)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"{Roll} {cluster.Members.Count}");
        for (int i = 0; i < options.Rolls; i++)
        {
            await StepAsync(load, name, async () =>
            {
                foreach (int node in cluster.Members)
                {
                    await cluster.Processes.StopAsync(node);
                    cluster.Start(node);
                    await cluster.WaitHealthyAsync(Patience);
                }

                return Names(cluster.Members);
            });
        }
    }

    /// <summary>
    /// Gives a replica a volume of its own, fills it until less than min_space_mb is free, and empties it.
    /// </summary>
    private async Task FillDisksAsync(GrowingCluster cluster, KeptLoad load)
    {
        if (SmallDisk.Missing is string missing)
        {
            options.Tell($"disks are not filled: {missing}");
            return;
        }

        int leader = await cluster.LeaderAsync(Patience);
        int follower = cluster.Members.First(node => node != leader);
        await FillDiskAsync(cluster, load, follower, "a follower's");
        await FillDiskAsync(cluster, load, await cluster.LeaderAsync(Patience), "the leader's");
    }

    private async Task FillDiskAsync(GrowingCluster cluster, KeptLoad load, int node, string whose)
    {
        SmallDisk? disk = null;
        await StepAsync(load, $"give {whose} disk bounds", async () =>
        {
            await cluster.Processes.StopAsync(node);
            disk = SmallDisk.Mount(cluster.DirectoryOf(node), SmallDiskMb);
            _disks.Add(disk);
            cluster.Start(node);
            await cluster.WaitHealthyAsync(Patience);
            return $"node-{node} has {SmallDiskMb} MB";
        });
        if (whose == "the leader's")
        {
            await cluster.ChangeAsync(
                new KvMemberChange
                {
                    Kind = MemberChangeKind.TRANSFER_LEADERSHIP,
                    NodeId = node,
                },
                Patience);
        }

        await StepAsync(load, $"fill {whose} disk", async () =>
        {
            disk!.Fill(MinSpaceMb * Megabyte / 2);
            await Task.Delay(LooksAtSpace);
            int leads = await cluster.LeaderAsync(Patience);
            return string.Create(
                CultureInfo.InvariantCulture,
                $"node-{node} has {disk.FreeBytes / Megabyte} MB left; node-{leads} leads");
        });
        await StepAsync(load, $"empty {whose} disk", async () =>
        {
            disk!.MakeRoom();
            await cluster.WaitHealthyAsync(Patience);
            return string.Create(CultureInfo.InvariantCulture, $"node-{node} has {disk.FreeBytes / Megabyte} MB again");
        });
    }

    private async Task BackUpAndRestoreAsync(GrowingCluster cluster, KeptLoad load, string path)
    {
        var backup = new LifecycleBackup(path, load);
        await StepAsync(
            load, "back up", () => backup.BackUpAsync(cluster.Members.Select(cluster.ClientEndpointOf), Patience));
        await StepAsync(load, "restore elsewhere", backup.RestoreAsync);
        _report.Findings.AddRange(backup.Findings);
    }

    /// <summary>Checks that each member has every acknowledged write, with its value and version.</summary>
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

        _report.Findings.AddRange(cluster.Alarms);
        _report.Findings.AddRange(load.Violations);
    }

    private static string Names(IEnumerable<int> nodes) => string.Join(", ", nodes.Select(node => $"node-{node}"));
}
