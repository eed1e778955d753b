using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Node.Operations;
using KvCloud.Protocol;
using Xunit.Abstractions;

namespace KvCloud.Tests.Live;

/// <summary>
/// Replicas of this release beside some that talk as the release before does (max_wire_version = 3): they work
/// together, are upgraded one after the other under load, and go back while the feature level is held.
/// </summary>
[Collection(LiveCollection.Name)]
public sealed class UpgradeTests(ITestOutputHelper output)
{
    private const string MaxWireVersion = "KvCloud__Cluster__MaxWireVersion";
    private const string FeatureLevel = "KvCloud__Deployment__FeatureLevel";
    private const string FeatureLevelDelay = "KvCloud__Deployment__FeatureLevelDelayMs";

    /// <summary>What a node ends with that cannot follow the level of its data.</summary>
    private const int DataDirectoryExitCode = 3;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly bool[] _isFormer = [false, false, false, false, false];
    private int _delayMs;
    private bool _isHeld;

    [Fact]
    public async Task Cluster_of_two_releases_is_upgraded_under_load_and_the_level_rises_with_the_last()
    {
        (_isFormer[0], _isFormer[1]) = (true, true);
        await using LiveCluster cluster = await LiveCluster.StartAsync(environment: Environment);
        await using KvCloudClient admin = cluster.NewClient();
        await using var load = new RegisterLoad(cluster);
        await load.NextAcknowledgedAsync(Patience);
        await HealthAsync(
            cluster, admin, 2, health => WireOf(health, 0) == (3, 3) && WireOf(health, 2) == (3, 5), "both are there");

        // Whoever leads is lost, and comes back to what it has missed.
        int leader = await cluster.LeaderAsync(admin);
        await cluster.Processes.KillAsync(leader);
        await load.NextAcknowledgedAsync(Patience);
        await StartAsync(cluster, leader);
        await cluster.CatchUpAsync(admin, leader);
        Assert.Equal(1, (await admin.GetClusterHealthAsync()).FeatureLevel);

        foreach (int index in (int[])[0, 1])
        {
            Assert.Equal(1, (await admin.GetClusterHealthAsync()).FeatureLevel);
            _isFormer[index] = false;
            await cluster.Processes.StopAsync(index);
            await load.NextAcknowledgedAsync(Patience);
            await StartAsync(cluster, index);
        }

        for (int index = 0; index < 3; index++)
        {
            await HealthAsync(
                cluster,
                admin,
                index,
                health => health.FeatureLevel == FeatureLevels.Newest
                    && health.Nodes.All(node => node.FeatureLevel == FeatureLevels.Newest),
                "the level rises to the newest");
        }

        await load.NextAcknowledgedAsync(Patience);
        await load.StopAsync();
        output.WriteLine($"{load.Acknowledged} acknowledged writes, {load.Reads} linearizable reads");
        await load.AssertKeptAsync(cluster, 0, 1, 2);
    }

    [Fact]
    public async Task Cluster_whose_level_is_held_goes_back_to_the_release_before_and_no_more_once_it_has_risen()
    {
        // Without the hold the level would rise as soon as the three are connected, and none of them could go back.
        (_isHeld, _delayMs) = (true, 0);
        await using LiveCluster cluster = await LiveCluster.StartAsync(environment: Environment);
        await using KvCloudClient admin = cluster.NewClient();
        await using var load = new RegisterLoad(cluster);
        await load.NextAcknowledgedAsync(Patience);
        foreach (int index in (int[])[0, 1, 2])
        {
            _isFormer[index] = true;
            await cluster.Processes.StopAsync(index);
            await StartAsync(cluster, index);
            await load.NextAcknowledgedAsync(Patience);
        }

        await HealthAsync(
            cluster, admin, 0, health => health.Nodes.All(node => node.MaxWireVersion == 3), "all have gone back");
        _isHeld = false;
        foreach (int index in (int[])[0, 1, 2])
        {
            _isFormer[index] = false;
            await cluster.Processes.StopAsync(index);
            await StartAsync(cluster, index);
        }

        await HealthAsync(
            cluster,
            admin,
            0,
            health => health.Nodes.All(node => node.FeatureLevel == FeatureLevels.Newest),
            "the level rises to the newest");
        await load.StopAsync();
        await load.AssertKeptAsync(cluster, 0, 1, 2);

        _isFormer[2] = true;
        await cluster.Processes.StopAsync(2);
        cluster.Processes.Start(2);
        await EndedAsync(cluster, 2);
        Assert.Equal(DataDirectoryExitCode, cluster.Processes.Nodes[2].LastExitCode);
        Assert.Contains(
            cluster.TailOf(2),
            line => line.Contains(
                $"feature level is {FeatureLevels.Newest}, and this replica can follow 1 at most",
                StringComparison.Ordinal));
    }

    [Fact]
    public async Task Member_that_cannot_follow_the_level_is_refused_by_name_when_it_is_added()
    {
        _isFormer[3] = true;
        await using LiveCluster cluster = await LiveCluster.StartAsync(5, Environment, members: 3);
        await using KvCloudClient admin = cluster.NewClient();
        await HealthAsync(
            cluster,
            admin,
            0,
            health => health.Nodes.All(node => node.FeatureLevel == FeatureLevels.Newest),
            "the level rises to the newest");

        // It calls the members, each of which hears what it can follow.
        cluster.Processes.Start(3);
        foreach (int index in (int[])[0, 1, 2])
        {
            await SaysAsync(cluster, 3, $"node {index} does not know node 3");
        }

        KvCloudException refused = await Assert.ThrowsAsync<KvCloudException>(
            async () => await admin.ChangeMembersAsync(new KvMemberChange
            {
                Kind = MemberChangeKind.ADD,
                NodeId = 3,
                PeerEndpoint = cluster.Topology.At(cluster.Topology.Replicas[3].PeerPort),
            }));

        Assert.Equal(ErrorCode.INVALID_ARGUMENT, refused.ErrorCode);
        Assert.Contains(
            $"node-3 supports feature level 1, but the group is at {FeatureLevels.Newest}",
            refused.Message,
            StringComparison.Ordinal);
    }

    private IEnumerable<KeyValuePair<string, string?>> Environment(Replica replica)
    {
        yield return KeyValuePair.Create<string, string?>(FeatureLevelDelay, $"{_delayMs}");
        if (_isFormer[replica.Index])
        {
            yield return KeyValuePair.Create<string, string?>(MaxWireVersion, "3");
        }

        if (_isHeld && replica.Index == 1)
        {
            yield return KeyValuePair.Create<string, string?>(FeatureLevel, "1");
        }
    }

    private static async Task StartAsync(LiveCluster cluster, int index)
    {
        cluster.Processes.Start(index);
        await cluster.WaitHealthyAsync();
    }

    private static (int?, int?) WireOf(KvClusterHealth health, int index) =>
        (health.Nodes[index].MinWireVersion, health.Nodes[index].MaxWireVersion);

    /// <summary>Waits until the replica sees the cluster so.</summary>
    private static async Task HealthAsync(
        LiveCluster cluster, KvCloudClient admin, int index, Func<KvClusterHealth, bool> isSo, string what)
    {
        long deadline = System.Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        KvClusterHealth health;
        do
        {
            health = await admin.GetClusterHealthAsync(new KvReadOptions { Endpoint = cluster.Endpoints[index] });
            if (isSo(health))
            {
                return;
            }

            await Task.Delay(50);
        }
        while (System.Environment.TickCount64 < deadline);

        Assert.Fail($"{what}; node-{index} sees level {health.FeatureLevel}: {string.Join("; ", health.Nodes)}");
    }

    private static async Task SaysAsync(LiveCluster cluster, int index, string text)
    {
        long deadline = System.Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        while (!cluster.Processes.LogTail(index).Any(line => line.Contains(text, StringComparison.Ordinal)))
        {
            Assert.True(System.Environment.TickCount64 < deadline, $"node-{index} never says: {text}");
            await Task.Delay(50);
        }
    }

    private static async Task EndedAsync(LiveCluster cluster, int index)
    {
        long deadline = System.Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        while (cluster.Processes.Nodes[index].State == NodeState.Running
            && System.Environment.TickCount64 < deadline)
        {
            await Task.Delay(50);
        }
    }
}
