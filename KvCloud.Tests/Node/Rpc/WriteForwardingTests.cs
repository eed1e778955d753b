using System.Net;
using System.Runtime.CompilerServices;
using KvCloud.Node.Routing;
using KvCloud.Protocol;
using static KvCloud.Tests.Node.Rpc.ServiceTests;
using ReadConsistency = KvCloud.Protocol.ReadConsistency;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>write_routing = "forward": a client of a follower does all that a client of the leader can.</summary>
public sealed class WriteForwardingTests
{
    private const int DiskMs = 10;

    private static readonly RoutingOptions Forward = new() { ForwardWrites = true };

    [Fact]
    public async Task WriteForwarder_every_kind_of_write_through_a_follower_is_done_and_can_be_read_there_at_once()
    {
        await using ServiceHost host = await StartAsync();
        TransactionalKV.Client client = host.Client(Follower(host));

        for (int i = 0; i < 50; i++)
        {
            SetResponse set = await client.setKey(new SetRequest(Key("a"), Key("" + i)));
            Assert.True(set.Success, set.Error);
            Assert.Equal("" + i, Text((await client.@get(new GetRequest(Key("a")))).Value));
        }

        DeleteResponse delete = await client.deleteKey(new DeleteRequest(Key("a")));
        Assert.True(delete.Success, delete.Error);
        Assert.False((await client.@get(new GetRequest(Key("a")))).Found);

        GetReadVersionResponse read = await client.getReadVersion(new GetReadVersionRequest());
        AtomicCommitResponse commit = await client.atomicCommit(
            new AtomicCommitRequest(read.ReadVersion, [Operation("set", "b", "1")], [Key("b")]));
        Assert.True(commit.Success, commit.Error);
        AtomicCommitResponse conflict = await client.atomicCommit(
            new AtomicCommitRequest(read.ReadVersion, [Operation("set", "b", "2")], [Key("b")]));
        Assert.Equal((false, "CONFLICT"), (conflict.Success, conflict.ErrorCode));
        Assert.Equal("1", Text((await client.@get(new GetRequest(Key("b")))).Value));

        SetVersionstampedKeyResponse key = await client.setVersionstampedKey(
            new SetVersionstampedKeyRequest(new byte[12], Key("v")));
        Assert.True(key.Success, key.Error);
        Assert.Equal("v", Text((await client.@get(new GetRequest(key.GeneratedKey))).Value));
        SetVersionstampedValueResponse value = await client.setVersionstampedValue(
            new SetVersionstampedValueRequest(Key("c"), new byte[12]));
        Assert.Equal(value.GeneratedValue, (await client.@get(new GetRequest(Key("c")))).Value);

        ColumnFamilyResponse created = await client.createColumnFamily(new ColumnFamilyRequest("extra"));
        Assert.True(created.Success, created.Error);
        Assert.True((await client.setKey(new SetRequest(Key("d"), Key("1")) { ColumnFamily = "extra" })).Success);
        Assert.True((await client.dropColumnFamily(new ColumnFamilyRequest("extra"))).Success);
        SetResponse dropped = await client.setKey(new SetRequest(Key("d"), Key("1")) { ColumnFamily = "extra" });
        Assert.Contains("Column family 'extra' not found", dropped.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WriteForwarder_request_sent_again_through_any_node_runs_once_and_gets_the_same_answer()
    {
        await using ServiceHost host = await StartAsync();
        OpenSessionResponse session = await host.Client(Follower(host)).openSession(new OpenSessionRequest());
        Assert.True(session.Success, session.Error);
        var versions = new HashSet<long>();

        for (int node = 0; node < 6; node++)
        {
            SetResponse set = await host.Client(node % 3).setKey(
                new SetRequest(Key("once"), Key("1")) { ClientId = session.ClientId, Sequence = 1 });
            Assert.True(set.Success, set.Error);
            versions.Add(set.Version);
        }

        Assert.Single(versions);
    }

    [Fact]
    public async Task WriteForwarder_follower_cut_off_from_its_leader_says_no_leader_and_writes_nothing()
    {
        await using ServiceHost host = await StartAsync();
        int follower = Follower(host);
        TransactionalKV.Client client = host.Client(follower);
        for (int other = 0; other < 3; other++)
        {
            host.Network.Cut(follower, other);
            host.Network.Cut(other, follower);
        }

        SetResponse set = await client.setKey(new SetRequest(Key("cut"), Key("1")));

        Assert.Equal((false, "NO_LEADER"), (set.Success, set.ErrorCode));
        host.Network.HealAll();
        await ConnectionTests.Eventually(() => client.setKey(new SetRequest(Key("healed"), Key("1")))
            .GetAwaiter().GetResult().Success);
        Assert.False((await client.@get(new GetRequest(Key("cut")))).Found);
    }

    [Fact]
    public async Task WriteForwarder_answer_lost_on_its_way_back_is_told_as_unknown_and_the_write_may_be_there()
    {
        await using ServiceHost host = await StartAsync();
        int leader = host.Leader;
        int follower = Follower(host);
        host.Network.Cut(leader, follower);

        SetResponse set = await host.Client(follower).setKey(new SetRequest(Key("lost"), Key("1")) { TimeoutMs = 150 });

        Assert.Equal((false, "OUTCOME_UNKNOWN"), (set.Success, set.ErrorCode));
        int other = 3 - leader - follower;
        GetResponse get = await host.Client(other).@get(
            new GetRequest(Key("lost")) { Consistency = ReadConsistency.READ_INDEX, TimeoutMs = 20_000 });
        Assert.True(get.Found, get.Error);
    }

    /// <summary>
    /// A modest client's put would wait for all that the greedy one has in flight, if the leader took both for one
    /// caller because they come by one peer. Counted in writes and not in time, so that a slow machine changes nothing;
    /// and with slow disks, so that writes wait for consensus and not for the clients of this test.
    /// </summary>
    [Fact]
    public async Task WriteForwarder_modest_client_beside_a_greedy_one_through_the_same_follower_does_not_wait_for_it()
    {
        const int connections = 16, each = 512;
        await using ServiceHost host = await StartAsync();
        foreach (MemoryPaxosLog log in host.Logs)
        {
            log.Writing = _ => Thread.Sleep(DiskMs);
        }

        int port = host.Servers[Follower(host)].Port;
        using var modest = RawClient.Connect(port, source: IPAddress.Parse("127.0.0.3"));
        var stop = new StrongBox<bool>();
        var answered = new StrongBox<long>();
        Task[] greedy =
        [
            .. Enumerable.Range(0, connections)
                .Select(i => Task.Run(() => WriteMuchAsync(port, i, each, stop, answered))),
        ];
        await ConnectionTests.Eventually(() => Volatile.Read(ref answered.Value) > connections * each);

        var waited = new List<long>();
        for (int i = 0; i < 30; i++)
        {
            long before = Volatile.Read(ref answered.Value);
            modest.Send(RawClient.Message("setKey", i, new SetRequest(Key("modest"), Key("1"))));
            var result = new TransactionalKV.InternalStructs.setKey_result();
            await modest.ReceiveAsync(result);
            Assert.True(result.Success!.Success, result.Success.Error);
            waited.Add(Volatile.Read(ref answered.Value) - before);
        }

        Volatile.Write(ref stop.Value, true);
        await Task.WhenAll(greedy);
        waited.Sort();
        Assert.True(
            waited[waited.Count / 2] < connections * each / 8,
            $"writes of the greedy client during each of the modest one: {string.Join(' ', waited)}");
    }

    /// <summary>Writes as many at a time until it is told to stop, and counts the answers.</summary>
    private static async Task WriteMuchAsync(
        int port, int key, int inFlight, StrongBox<bool> stop, StrongBox<long> answered)
    {
        using var client = RawClient.Connect(port, source: IPAddress.Parse("127.0.0.2"));
        byte[] put = RawClient.Message("setKey", 1, new SetRequest(Key($"greedy{key}"), new byte[100]));
        byte[] puts = [.. Enumerable.Repeat(put, inFlight / 4).SelectMany(one => one)];
        int open = 0;
        while (open > 0 || !Volatile.Read(ref stop.Value))
        {
            while (open <= inFlight * 3 / 4 && !Volatile.Read(ref stop.Value))
            {
                client.Send(puts);
                open += inFlight / 4;
            }

            var result = new TransactionalKV.InternalStructs.setKey_result();
            await client.ReceiveAsync(result);
            Assert.True(result.Success!.Success, result.Success.Error);
            open--;
            Interlocked.Increment(ref answered.Value);
        }
    }

    private static int Follower(ServiceHost host) => (host.Leader + 1) % 3;

    /// <summary>Started, and every node knows who leads.</summary>
    private static async Task<ServiceHost> StartAsync()
    {
        ServiceHost host = await ServiceHost.StartAsync(replicas: 3, routing: Forward);
        await ConnectionTests.Eventually(
            () => host.Replicas.All(replica => replica.Driver.Status.Leader?.Value == host.Leader));
        return host;
    }
}
