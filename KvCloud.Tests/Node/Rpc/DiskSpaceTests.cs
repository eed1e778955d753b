using KvCloud.Node.Replication;
using KvCloud.Node.State;
using KvCloud.Protocol;
using KvCloud.Tests.Simulation;
using static KvCloud.Tests.Node.Rpc.ServiceTests;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>Disks that run short of space, as clients see it.</summary>
public sealed class DiskSpaceTests
{
    private const long Low = ServiceHost.LowSpaceBytes - 1;
    private const long Exhausted = ServiceHost.MinSpaceBytes - 1;

    [Fact]
    public async Task SetKey_leader_that_nobody_can_relieve_refuses_until_there_is_room_and_takes_deletes()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        TransactionalKV.Client client = host.Client();
        Assert.True((await SetAsync(client)).Success);

        host.Disks[0].FreeBytes = Low;
        SetResponse refused = await SetUntilAsync(client, isRefused: true);
        Assert.Equal((ErrorCode.NO_SPACE, "NO_SPACE"), (refused.Code, refused.ErrorCode));
        Assert.True((await client.deleteKey(new DeleteRequest(Key("k")))).Success);
        Assert.Equal(ErrorCode.OK, (await client.get(new GetRequest(Key("k")))).Code);

        host.Disks[0].FreeBytes = Exhausted;
        await ConnectionTests.Eventually(
            () => client.deleteKey(new DeleteRequest(Key("k"))).GetAwaiter().GetResult().Code == ErrorCode.NO_SPACE);

        host.Disks[0].FreeBytes = long.MaxValue;
        Assert.Equal(ErrorCode.OK, (await SetUntilAsync(client, isRefused: false)).Code);
    }

    [Fact]
    public async Task SetKey_leader_with_little_space_hands_over_and_followers_without_any_stop_nobody()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(replicas: 3);
        int poor = host.Leader;
        host.Disks[poor].FreeBytes = Exhausted;

        await ConnectionTests.Eventually(() => host.Leader >= 0 && host.Leader != poor);

        TransactionalKV.Client client = host.Client(host.Leader);
        for (int i = 0; i < 50; i++)
        {
            SetResponse set = await SetAsync(client);
            Assert.True(set.Success, set.Error);
        }

        Assert.NotEqual(poor, host.Leader);
        host.Disks[poor].FreeBytes = long.MaxValue;
        await ConnectionTests.Eventually(() => host.Replicas[poor].Driver.AppliedSlot
            >= host.Replicas[host.Leader].Driver.AppliedSlot);
    }

    [Fact]
    public async Task Get_at_read_index_of_a_replica_without_any_space_is_sent_elsewhere_at_once()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(replicas: 3);
        int poor = (host.Leader + 1) % 3;
        host.Disks[poor].FreeBytes = Exhausted;
        await ConnectionTests.Eventually(() => host.Replicas[poor].Driver.Disk.Space == SpaceLevel.Exhausted);
        TransactionalKV.Client leader = host.Client(host.Leader);
        Assert.True((await SetAsync(leader)).Success);

        var get = new GetRequest(Key("k")) { Consistency = ReadConsistency.READ_INDEX, TimeoutMs = 60_000 };
        GetResponse refused = await host.Client(poor).get(get);

        Assert.Equal(ErrorCode.TOO_STALE, refused.Code);
        Assert.Contains("min_space_mb", refused.Error, StringComparison.Ordinal);
    }

    /// <summary>
    /// Found by the lifecycle: three megabytes were left, the idle replica flushed what it had applied, and the full
    /// disk ended it.
    /// </summary>
    [Fact]
    public async Task Flush_that_would_not_fit_on_a_full_disk_waits_for_room()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        host.Disks[0].FreeBytes = Exhausted;
        await ConnectionTests.Eventually(() => host.Replicas[0].Driver.Disk.Space == SpaceLevel.Exhausted);
        KvStoreExecutor executor = host.Executors[0];
        Assert.True(executor.AppliedSlot > executor.DurableSlot, "it was flushed before the disk was full");

        await Task.Delay(2 * new ReplicationOptions().IdleFlushMs);
        Assert.True(executor.AppliedSlot > executor.DurableSlot, "it was flushed onto a full disk");

        host.Disks[0].FreeBytes = long.MaxValue;
        await ConnectionTests.Eventually(() => executor.AppliedSlot == executor.DurableSlot);
    }

    private static Task<SetResponse> SetAsync(TransactionalKV.Client client) =>
        client.setKey(new SetRequest(Key("k"), Key("v")));

    private static async Task<SetResponse> SetUntilAsync(TransactionalKV.Client client, bool isRefused)
    {
        long end = Environment.TickCount64 + 10_000;
        while (true)
        {
            SetResponse set = await SetAsync(client);
            if (set.Success != isRefused || Environment.TickCount64 > end)
            {
                return set;
            }

            await Task.Delay(20);
        }
    }
}
