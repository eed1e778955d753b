using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Protocol;
using Xunit.Abstractions;

namespace KvCloud.Tests.Live;

/// <summary>Replicas come and go under load: nothing acknowledged is lost, and no read goes back in time.</summary>
[Collection(LiveCollection.Name)]
public sealed class MemberTests(ITestOutputHelper output)
{
    /// <summary>What a node ends with that was removed from its group.</summary>
    private const int RemovedExitCode = 5;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Members_added_promoted_removed_and_replaced_under_load_lose_nothing()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(replicas: 5, members: 3);
        await using KvCloudClient admin = cluster.NewClient();
        await using var load = new RegisterLoad(cluster);
        await load.NextAcknowledgedAsync(Patience);

        // A fourth, without a vote and then with one; leading, it removes one of the first.
        await AddAsync(cluster, admin, 3);
        await UntilDoneAsync(admin, new KvMemberChange { Kind = MemberChangeKind.PROMOTE, NodeId = 3 });
        await admin.ChangeMembersAsync(
            new KvMemberChange { Kind = MemberChangeKind.TRANSFER_LEADERSHIP, NodeId = 3 });
        await load.NextAcknowledgedAsync(Patience);
        Assert.Equal(3, await cluster.LeaderAsync(admin, 1, 2, 3));
        await admin.ChangeMembersAsync(new KvMemberChange { Kind = MemberChangeKind.REMOVE, NodeId = 0 });
        await EndedAsync(cluster, 0);

        // One is killed, and a fifth takes its place.
        await cluster.Processes.KillAsync(1);
        await AddAsync(cluster, admin, 4);
        await UntilDoneAsync(
            admin, new KvMemberChange { Kind = MemberChangeKind.REPLACE, NodeId = 4, ReplacedNodeId = 1 });
        await load.NextAcknowledgedAsync(Patience);

        // It comes back to a group that does not know it any more. Nor does its number ever return.
        cluster.Processes.Start(1);
        await EndedAsync(cluster, 1);
        var again = new KvMemberChange { Kind = MemberChangeKind.ADD, NodeId = 1, PeerEndpoint = PeerOf(cluster, 1) };
        KvCloudException refused = await Assert.ThrowsAsync<KvCloudException>(
            async () => await admin.ChangeMembersAsync(again));
        Assert.Contains("never returns", refused.Message, StringComparison.Ordinal);
        KvClusterHealth health = await admin.GetClusterHealthAsync();
        Assert.Equal([2, 3, 4], health.Nodes.Select(node => node.Id).Order());
        await CheckAsync(cluster, load, 2, 3, 4);
    }

    [Fact]
    public async Task Leader_that_is_asked_to_stop_has_another_take_over_first()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await using KvCloudClient admin = cluster.NewClient();
        await using var load = new RegisterLoad(cluster);
        await load.NextAcknowledgedAsync(Patience);
        int leader = await cluster.LeaderAsync(admin);

        Task stopped = cluster.Processes.StopAsync(leader);
        TimeSpan pause = await load.NextAcknowledgedAsync(Patience);
        await stopped;

        output.WriteLine($"next acknowledged write after {pause.TotalMilliseconds:F0} ms");
        int[] others = [.. Enumerable.Range(0, 3).Where(index => index != leader)];
        Assert.NotEqual(leader, await cluster.LeaderAsync(admin, others));
        await CheckAsync(cluster, load, others);
    }

    [Fact]
    public async Task LeadershipTransferOnShutdown_comes_before_calls_are_refused()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await using KvCloudClient admin = cluster.NewClient();
        int leader = await cluster.LeaderAsync(admin);
        using var client = new PlainClient(cluster.Endpoints[leader]);
        var request = new SetRequest("key"u8.ToArray(), "value"u8.ToArray());
        Assert.True((await client.Calls.setKey(request)).Success);

        Task stopped = cluster.Processes.StopAsync(leader);
        SetResponse answer;
        do
        {
            answer = await client.Calls.setKey(request);
        }
        while (answer.Success);

        await stopped;

        // Whoever asks the one that leads no longer is sent on; before, it answers.
        Assert.Contains(answer.Code, (ErrorCode[])[ErrorCode.NOT_LEADER, ErrorCode.NO_LEADER]);
    }

    private static string PeerOf(LiveCluster cluster, int index) =>
        cluster.Topology.At(cluster.Topology.Replicas[index].PeerPort);

    private static async Task AddAsync(LiveCluster cluster, KvCloudClient admin, int index)
    {
        cluster.Processes.Start(index);
        await admin.ChangeMembersAsync(new KvMemberChange
        {
            Kind = MemberChangeKind.ADD,
            NodeId = index,
            PeerEndpoint = PeerOf(cluster, index),
            ClientEndpoint = cluster.Endpoints[index],
        });
    }

    /// <summary>The learner has to catch up first.</summary>
    private static async Task UntilDoneAsync(KvCloudClient admin, KvMemberChange change)
    {
        long deadline = Environment.TickCount64 + 60_000;
        while (true)
        {
            try
            {
                await admin.ChangeMembersAsync(change);
                return;
            }
            catch (KvCloudException refusal) when (
                refusal.ErrorCode == ErrorCode.INVALID_ARGUMENT && Environment.TickCount64 < deadline)
            {
                await Task.Delay(200);
            }
        }
    }

    private static async Task EndedAsync(LiveCluster cluster, int index)
    {
        NodeProcess node = cluster.Processes.Nodes[index];
        long deadline = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        while (node.State == NodeState.Running && Environment.TickCount64 < deadline)
        {
            await Task.Delay(50);
        }

        Assert.Equal(RemovedExitCode, node.LastExitCode);
    }

    private async Task CheckAsync(LiveCluster cluster, RegisterLoad load, params int[] members)
    {
        await load.StopAsync();
        output.WriteLine($"{load.Acknowledged} acknowledged writes, {load.Reads} linearizable reads");
        await load.AssertKeptAsync(cluster, members);
    }
}
