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
    public async Task Follower_whose_leader_is_heard_late_refuses_reads_that_would_be_too_stale()
    {
        await using var host = await ServiceHost.StartAsync(replicas: 3);
        var leader = host.Leader;
        var follower = (leader + 1) % 3;
        var client = host.Client(follower);
        var get = new GetRequest(Key("a"))
        {
            Consistency = ReadConsistency.LOCAL,
            MaxStalenessMs = 200,
            TimeoutMs = 20_000,
        };
        await ConnectionTests.Eventually(() => client.@get(get).GetAwaiter().GetResult().Error is null);

        host.Network.Delay(leader, follower, TimeSpan.FromMilliseconds(300));
        await host.Client(leader).setKey(new SetRequest(Key("a"), Key("new")));
        var written = Environment.TickCount64;
        GetResponse answer;
        do
        {
            answer = await client.@get(get);
            var mustSee = Environment.TickCount64 - written > 1000;
            Assert.True(
                !mustSee || answer.Found || answer.Code == ErrorCode.TOO_STALE,
                "what was written a second ago is missing in a read of 200 ms");
        }
        while (Environment.TickCount64 - written < 2000);
    }

    [Fact]
    public async Task Follower_cut_off_answers_too_stale_and_answers_again_when_it_is_back()
    {
        await using var host = await ServiceHost.StartAsync(replicas: 3);
        var follower = (host.Leader + 1) % 3;
        var client = host.Client(follower);
        var get = new GetRequest(Key("a")) { Consistency = ReadConsistency.LOCAL, MaxStalenessMs = 200 };
        await ConnectionTests.Eventually(() => client.@get(get).GetAwaiter().GetResult().Error is null);

        for (var other = 0; other < 3; other++)
        {
            host.Network.Cut(follower, other);
            host.Network.Cut(other, follower);
        }
        await ConnectionTests.Eventually(() => client.@get(get).GetAwaiter().GetResult().Code == ErrorCode.TOO_STALE);
        var refused = await client.@get(get);
        host.Network.HealAll();

        Assert.Contains("max_staleness_ms is 200", refused.Error, StringComparison.Ordinal);
        await ConnectionTests.Eventually(() => client.@get(get).GetAwaiter().GetResult().Error is null);
    }
}
