using KvCloud.Protocol;
using static KvCloud.Tests.Node.Rpc.ServiceTests;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>What a local read promises: nothing older than max_staleness_ms, or no answer.</summary>
public sealed class LocalReadTests
{
    /// <summary>
    /// The leader's messages arrive all the time, and each is old: that they arrive says nothing about how fresh this
    /// replica is.
    /// </summary>
    [Fact]
    public async Task Get_from_a_follower_whose_leader_is_heard_late_refuses_what_would_be_too_stale()
    {
        const int stalenessMs = 200;
        const int lateMs = 900;
        await using ServiceHost host = await ServiceHost.StartAsync(replicas: 3);
        int leader = host.Leader;
        int follower = (leader + 1) % 3;
        TransactionalKV.Client client = host.Client(follower);
        var get = new GetRequest(Key("a"))
        {
            Consistency = ReadConsistency.LOCAL,
            MaxStalenessMs = stalenessMs,
            TimeoutMs = 100,
        };
        await ConnectionTests.Eventually(() => client.@get(get).GetAwaiter().GetResult().Error is null);

        // From now on everything is heard, and nothing less than so long after it was said.
        host.Network.Delay(leader, follower, TimeSpan.FromMilliseconds(lateMs));
        await ReadForAsync(lateMs + 300, (_, _) => { });
        SetResponse set = await host.Client(leader).setKey(new SetRequest(Key("a"), Key("new")));
        Assert.True(set.Success, set.Error);
        await ReadForAsync(lateMs - 100, (sinceMs, answer) => Assert.True(
            sinceMs <= stalenessMs + 20 || answer.Found || answer.Code == ErrorCode.TOO_STALE,
            $"what was written {sinceMs} ms ago is missing in a read of {stalenessMs} ms"));

        async Task ReadForAsync(long durationMs, Action<long, GetResponse> judge)
        {
            long start = Environment.TickCount64;
            for (long sinceMs = 0; sinceMs < durationMs; sinceMs = Environment.TickCount64 - start)
            {
                judge(sinceMs, await client.@get(get));
            }
        }
    }

    [Fact]
    public async Task Get_from_a_follower_cut_off_is_too_stale_and_is_answered_again_when_it_is_back()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(replicas: 3);
        int follower = (host.Leader + 1) % 3;
        TransactionalKV.Client client = host.Client(follower);
        var get = new GetRequest(Key("a")) { Consistency = ReadConsistency.LOCAL, MaxStalenessMs = 200 };
        await ConnectionTests.Eventually(() => client.@get(get).GetAwaiter().GetResult().Error is null);

        for (int other = 0; other < 3; other++)
        {
            host.Network.Cut(follower, other);
            host.Network.Cut(other, follower);
        }

        await ConnectionTests.Eventually(() => client.@get(get).GetAwaiter().GetResult().Code == ErrorCode.TOO_STALE);
        GetResponse refused = await client.@get(get);
        host.Network.HealAll();

        Assert.Contains("max_staleness_ms is 200", refused.Error, StringComparison.Ordinal);
        await ConnectionTests.Eventually(() => client.@get(get).GetAwaiter().GetResult().Error is null);
    }
}
