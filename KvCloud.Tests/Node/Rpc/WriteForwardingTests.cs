using System.Net;
using KvCloud.Node.Routing;
using KvCloud.Protocol;
using static KvCloud.Tests.Node.Rpc.ServiceTests;
using ReadConsistency = KvCloud.Protocol.ReadConsistency;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>write_routing = "forward": a client of a follower does all that a client of the leader can.</summary>
public sealed class WriteForwardingTests
{
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

    /// <summary>What turns they take there, <c>WriteForwarderTests</c> say.</summary>
    [Fact]
    public async Task WriteForwarder_greedy_and_modest_clients_of_one_follower_are_several_callers_of_the_leader()
    {
        await using ServiceHost host = await StartAsync();
        int port = host.Servers[Follower(host)].Port;
        using var stop = new CancellationTokenSource();
        Task[] clients =
        [
            WriteAsync(port, "127.0.0.2", inFlight: 512, stop.Token),
            WriteAsync(port, "127.0.0.3", inFlight: 1, stop.Token),
            WriteAsync(port, "127.0.0.4", inFlight: 1, stop.Token),
        ];

        // Nobody calls the leader itself; if another has come to lead, it may be the one that they call.
        await ConnectionTests.Eventually(
            () => host.Replicas.Any(replica => replica.Driver.HasLease && replica.Forwarder.Flows.Count == 3));
        await stop.CancelAsync();
        await Task.WhenAll(clients);
    }

    /// <summary>Writes so many at a time until it is told to stop.</summary>
    private static async Task WriteAsync(int port, string address, int inFlight, CancellationToken stop)
    {
        using var client = RawClient.Connect(port, source: IPAddress.Parse(address));
        byte[] put = RawClient.Message("setKey", 1, new SetRequest(Key(address), new byte[100]));
        byte[] puts = [.. Enumerable.Repeat(put, inFlight).SelectMany(one => one)];
        while (!stop.IsCancellationRequested)
        {
            client.Send(puts);
            for (int i = 0; i < inFlight; i++)
            {
                await client.ReceiveAsync(new TransactionalKV.InternalStructs.setKey_result());
            }
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
