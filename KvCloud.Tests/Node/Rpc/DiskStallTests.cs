using KvCloud.Consensus;
using KvCloud.Protocol;
using static KvCloud.Tests.Node.Rpc.ServiceTests;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>
/// One replica's disk takes nothing for a while. A write that comes alone is written to a follower's log by the very
/// thread that receives the leader's messages, which must cost nobody anything then.
/// </summary>
public sealed class DiskStallTests
{
    private static readonly TimeSpan Stall = TimeSpan.FromSeconds(3);

    [Fact]
    public async Task Replica_stalled_disk_of_a_follower_neither_stops_writes_nor_makes_another_leader()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(replicas: 3);
        int leader = host.Leader;
        int stalled = (leader + 1) % 3;
        TransactionalKV.Client client = host.Client(leader);
        for (int i = 0; i < 20; i++)
        {
            await SetAsync(client, i);
        }

        Ballot ballot = host.Replicas[leader].Driver.Status.Ballot;

        using var disk = new ManualResetEventSlim();
        using var isStalled = new ManualResetEventSlim();
        host.Logs[stalled].Writing = _ =>
        {
            isStalled.Set();
            Assert.True(disk.Wait(TimeSpan.FromSeconds(60)));
        };
        long end = Environment.TickCount64 + (long)Stall.TotalMilliseconds;
        int written = 0;
        try
        {
            while (Environment.TickCount64 < end)
            {
                await SetAsync(client, written++);
                Assert.Equal(leader, host.Leader);
                await Task.Delay(5);
            }

            Assert.True(isStalled.IsSet);
            Assert.True(host.Logs[stalled].LastSlot < host.Logs[(stalled + 1) % 3].LastSlot);
        }
        finally
        {
            host.Logs[stalled].Writing = null;
            disk.Set();
        }

        await ConnectionTests.Eventually(() => host.Replicas[stalled].Driver.Status is { Leader: { } followed } status
            && followed.Value == leader
            && status.ChosenSlot >= host.Replicas[leader].Driver.Status.ChosenSlot);
        Assert.Equal(ballot, host.Replicas[leader].Driver.Status.Ballot);
        Assert.True(written > 50, $"{written} writes in {Stall}");
    }

    /// <summary>
    /// Its followers are a quorum without it, so writes go on until the limit; then another leads, before one of them
    /// fails and everything depends on that disk.
    /// </summary>
    [Fact]
    public async Task Replica_stalled_disk_of_the_leader_makes_another_lead_and_writes_go_on()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(replicas: 3);
        int stalled = host.Leader;
        await SetAsync(host.Client(stalled), 0);
        using var disk = new ManualResetEventSlim();
        host.Logs[stalled].Writing = _ => Assert.True(disk.Wait(TimeSpan.FromSeconds(60)));
        try
        {
            await SetAsync(host.Client(stalled), 1);
            await ConnectionTests.Eventually(() => host.Leader >= 0 && host.Leader != stalled);
            Assert.True(host.Replicas[stalled].Driver.Disk.Figures.IsSlow);
            TransactionalKV.Client client = host.Client(host.Leader);
            for (int i = 0; i < 20; i++)
            {
                await SetAsync(client, i);
            }

            Assert.NotEqual(stalled, host.Leader);
        }
        finally
        {
            host.Logs[stalled].Writing = null;
            disk.Set();
        }
    }

    private static async Task SetAsync(TransactionalKV.Client client, int number)
    {
        SetResponse set = await client.setKey(new SetRequest(Key("k"), Key($"{number}")));
        Assert.True(set.Success, set.Error);
    }
}
