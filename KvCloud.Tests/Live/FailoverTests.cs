using System.Buffers.Binary;
using System.Globalization;
using KvCloud.Client;
using KvCloud.Protocol;
using Xunit.Abstractions;

namespace KvCloud.Tests.Live;

/// <summary>
/// Replicas die, freeze and come back under load: nothing acknowledged is lost, and no read goes back in time.
/// </summary>
[Collection(LiveCollection.Name)]
public sealed class FailoverTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task SetKey_leader_killed_ten_times_under_load_loses_nothing()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await using KvCloudClient admin = cluster.NewClient();
        await using var load = new RegisterLoad(cluster);
        var times = new List<double>();
        for (int kill = 0; kill < 10; kill++)
        {
            await load.NextAcknowledgedAsync(Patience);
            int leader = await cluster.LeaderAsync(admin);
            await cluster.Processes.KillAsync(leader);
            times.Add((await load.NextAcknowledgedAsync(Patience)).TotalMilliseconds);
            cluster.Processes.Start(leader);
            await cluster.WaitHealthyAsync();
        }

        times.Sort();
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"from SIGKILL to the next acknowledged write, ms: median {times[5]:F0}, worst {times[^1]:F0}"));
        await CheckAsync(cluster, load);
    }

    [Fact]
    public async Task Get_from_a_leader_paused_and_resumed_is_never_old()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await using KvCloudClient admin = cluster.NewClient();
        await using var load = new RegisterLoad(cluster);
        for (int round = 0; round < 3; round++)
        {
            await load.NextAcknowledgedAsync(Patience);
            int leader = await cluster.LeaderAsync(admin);
            cluster.Processes.Pause(leader);
            await load.NextAcknowledgedAsync(Patience);
            int[] others = [.. Enumerable.Range(0, cluster.Count).Where(index => index != leader)];
            Assert.NotEqual(leader, await cluster.LeaderAsync(admin, others));
            cluster.Processes.Resume(leader);
            await cluster.WaitHealthyAsync();
        }

        await CheckAsync(cluster, load);
    }

    [Fact]
    public async Task SetKey_all_killed_and_restarted_under_load_loses_nothing()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await using var load = new RegisterLoad(cluster);
        for (int round = 0; round < 3; round++)
        {
            await load.NextAcknowledgedAsync(Patience);
            await cluster.Processes.KillAllAsync();
            for (int index = 0; index < cluster.Count; index++)
            {
                cluster.Processes.Start(index);
            }

            await cluster.WaitHealthyAsync();
        }

        await load.NextAcknowledgedAsync(Patience);
        await CheckAsync(cluster, load);
    }

    [Fact]
    public async Task SetKey_sigterm_of_each_node_in_turn_loses_nothing()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await using var load = new RegisterLoad(cluster);
        for (int index = 0; index < cluster.Count; index++)
        {
            await load.NextAcknowledgedAsync(Patience);
            await cluster.Processes.RestartAsync(index);
            await cluster.WaitHealthyAsync();
        }

        await CheckAsync(cluster, load);
    }

    [Fact]
    public async Task SetKey_group_of_one_killed_under_load_loses_nothing()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(replicas: 1);
        await using var load = new RegisterLoad(cluster, writers: 4, readers: 1);
        for (int round = 0; round < 3; round++)
        {
            await load.NextAcknowledgedAsync(Patience);
            await cluster.Processes.KillAsync(0);
            cluster.Processes.Start(0);
            await cluster.WaitHealthyAsync();
        }

        await load.NextAcknowledgedAsync(Patience);
        await CheckAsync(cluster, load);
    }

    /// <summary>Every acknowledged write is there, on every replica, read from its own store.</summary>
    private async Task CheckAsync(LiveCluster cluster, RegisterLoad load)
    {
        await load.StopAsync();
        output.WriteLine($"{load.Acknowledged} acknowledged writes, {load.Reads} linearizable reads");
        Assert.Empty(load.Violations);
        Assert.True(load.Reads > 0, "no read was checked");
        await using KvCloudClient client = cluster.NewClient();
        for (int index = 0; index < cluster.Count; index++)
        {
            await cluster.CatchUpAsync(client, index);
            var held = new Dictionary<string, long>();
            var options = new KvReadOptions
            {
                Consistency = ReadConsistency.LOCAL,
                Endpoint = cluster.Endpoints[index],
            };
            await foreach (KvEntry entry in client.RangeAsync(KvRange.Prefix("kept/"), options))
            {
                held[System.Text.Encoding.UTF8.GetString(entry.Key)] =
                    BinaryPrimitives.ReadInt64BigEndian(entry.Value);
            }

            string[] lost =
                [.. load.Kept.Where(kept => held.GetValueOrDefault(kept.Key) != kept.Value).Select(kept => kept.Key)];
            Assert.True(lost.Length == 0, $"node-{index} lost {lost.Length}, first {lost.FirstOrDefault()}");
        }
    }
}
