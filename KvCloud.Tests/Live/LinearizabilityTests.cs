using System.Diagnostics;
using KvCloud.Client;
using KvCloud.Tests.Live.Linearizability;
using Xunit.Abstractions;

namespace KvCloud.Tests.Live;

/// <summary>
/// Replicas are killed, frozen and cut off, one misfortune after the other, while callers read and write and everything
/// they hear is recorded. There must be one order of it all; and local reads must keep what they promise.
/// </summary>
[Collection(LiveCollection.Name)]
public sealed class LinearizabilityTests(ITestOutputHelper output)
{
    /// <summary>Longer than an election takes, and than the staleness that local reads bear.</summary>
    private static readonly TimeSpan Misfortune = TimeSpan.FromMilliseconds(1000);

    [Fact]
    public async Task ReplicaHost_under_kills_pauses_and_partitions_gives_histories_that_have_one_order()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(withNetwork: true);
        await using KvCloudClient admin = cluster.NewClient();
        await using var local = new LocalReads(cluster);
        await using var load = new HistoryLoad(cluster);
        await DuringAsync(cluster, admin, load, cluster.Processes.Pause, cluster.Processes.Resume);
        await DuringAsync(cluster, admin, load, cluster.Network.Isolate, _ => cluster.Network.Heal());
        await DuringAsync(cluster, admin, load, cluster.Network.Silence, _ => cluster.Network.Heal());
        await DuringFollowerAsync(cluster, admin, load, cluster.Processes.Pause, cluster.Processes.Resume);
        await DuringFollowerAsync(
            cluster, admin, load,
            node => cluster.Network.DelayTo(node, Misfortune / 2),
            _ => cluster.Network.Heal());
        await KillLeaderAsync(cluster, admin, load);
        await load.StopAsync();
        await local.StopAsync();

        long start = Stopwatch.GetTimestamp();
        IReadOnlyList<string> findings = LinearizabilityChecker.Check(load.History);
        output.WriteLine(
            $"{load.History.Count} operations, {load.History.Count(operation => operation.IsUnknown)} of unknown"
            + $" outcome, checked in {Stopwatch.GetElapsedTime(start).TotalMilliseconds:F0} ms");
        output.WriteLine(
            $"local reads: {string.Join(", ", local.Answered)} answered, "
            + $"{string.Join(", ", local.TooStale)} too stale");
        Assert.Empty(findings);
        Assert.Empty(local.Violations);
        Assert.True(load.History.Count > 1000, $"only {load.History.Count} operations were recorded");
        Assert.All(
            local.Answered, answered => Assert.True(answered > 100, $"a replica answered only {answered} local reads"));
    }

    private static async Task KillLeaderAsync(LiveCluster cluster, KvCloudClient admin, HistoryLoad load)
    {
        await load.GoOnAsync();
        int leader = await cluster.LeaderAsync(admin);
        await cluster.Processes.KillAsync(leader);
        await load.GoOnAsync();
        cluster.Processes.Start(leader);
        await cluster.WaitHealthyAsync(leader);
    }

    /// <summary>To the leader, whom the others must replace meanwhile.</summary>
    private static async Task DuringAsync(
        LiveCluster cluster, KvCloudClient admin, HistoryLoad load, Action<int> begin, Action<int> end)
    {
        await load.GoOnAsync();
        int leader = await cluster.LeaderAsync(admin);
        int[] others = [.. Enumerable.Range(0, cluster.Count).Where(index => index != leader)];
        begin(leader);
        await Task.Delay(Misfortune);
        await load.GoOnAsync();
        Assert.NotEqual(leader, await cluster.LeaderAsync(admin, others));
        end(leader);
    }

    private static async Task DuringFollowerAsync(
        LiveCluster cluster, KvCloudClient admin, HistoryLoad load, Action<int> begin, Action<int> end)
    {
        await load.GoOnAsync();
        int follower = (await cluster.LeaderAsync(admin) + 1) % cluster.Count;
        begin(follower);
        await Task.Delay(Misfortune);
        await load.GoOnAsync();
        end(follower);
    }
}
