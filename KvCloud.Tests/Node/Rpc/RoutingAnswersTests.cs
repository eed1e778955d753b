using KvCloud.Node.Rpc;
using KvCloud.Protocol;
using Thrift;
using static KvCloud.Tests.Node.Rpc.ServiceTests;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>What clients hear from a node that cannot or will not carry out a call.</summary>
public sealed class RoutingAnswersTests
{
    [Fact]
    public async Task Refusal_by_a_follower_names_the_leader_in_every_kind_of_answer()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(replicas: 3);
        int leader = host.Leader;
        int follower = (leader + 1) % 3;
        TransactionalKV.Client client = host.Client(follower);
        string endpoint = $"127.0.0.1:{host.Servers[leader].Port}";
        await ConnectionTests.Eventually(() =>
            client.setKey(new SetRequest(Key("a"), Key("1"))).GetAwaiter().GetResult().Code
            == ErrorCode.NOT_LEADER);

        SetResponse set = await client.setKey(new SetRequest(Key("a"), Key("1")));
        Assert.StartsWith("Not leader", set.Error, StringComparison.Ordinal);
        Assert.Equal((false, "NOT_LEADER", endpoint), (set.Success, set.ErrorCode, set.LeaderEndpoint));
        DeleteResponse delete = await client.deleteKey(new DeleteRequest(Key("a")));
        Assert.Equal(("NOT_LEADER", endpoint), (delete.ErrorCode, delete.LeaderEndpoint));
        AtomicCommitResponse commit = await client.atomicCommit(
            new AtomicCommitRequest(0, [Operation("set", "a", "1")], []));
        Assert.Equal(("NOT_LEADER", endpoint), (commit.ErrorCode, commit.LeaderEndpoint));
        OpenSessionResponse session = await client.openSession(new OpenSessionRequest());
        Assert.Equal((ErrorCode.NOT_LEADER, endpoint), (session.Code, session.LeaderEndpoint));
        GetResponse get = await client.@get(new GetRequest(Key("a")) { Consistency = ReadConsistency.LEADER });
        Assert.StartsWith("Not leader", get.Error, StringComparison.Ordinal);
        Assert.Equal((false, ErrorCode.NOT_LEADER, endpoint), (get.Found, get.Code, get.LeaderEndpoint));
        GetRangeResponse range = await client.getRange(new GetRangeRequest { Consistency = ReadConsistency.LEADER });
        Assert.Equal((ErrorCode.NOT_LEADER, endpoint), (range.Code, range.LeaderEndpoint));
    }

    [Fact]
    public async Task Get_at_read_index_level_from_a_follower_reads_what_the_leader_wrote()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(replicas: 3);
        TransactionalKV.Client leader = host.Client(host.Leader);
        TransactionalKV.Client follower = host.Client((host.Leader + 1) % 3);

        for (int i = 0; i < 20; i++)
        {
            SetResponse set = await leader.setKey(new SetRequest(Key("a"), Key("" + i)));
            Assert.True(set.Success, set.Error);
            GetResponse get = await follower.@get(
                new GetRequest(Key("a")) { Consistency = ReadConsistency.READ_INDEX });
            Assert.Equal("" + i, Text(get.Value));
            GetReadVersionResponse version = await follower.getReadVersion(new GetReadVersionRequest());
            Assert.True(version.ReadVersion >= set.Version);
            SnapshotReadResponse at = await follower.snapshotRead(new SnapshotReadRequest(Key("a"), set.Version));
            Assert.Equal("" + i, Text(at.Value));
        }
    }

    [Fact]
    public async Task SetFaultInjection_hits_its_target_only_and_can_be_switched_off()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        TransactionalKV.Client client = host.Client();

        FaultInjectionResponse on = await client.setFaultInjection(
            new FaultInjectionRequest("CONFLICT") { Probability = 1, DurationMs = 20, TargetOperation = "set" });
        Assert.True(on.Success, on.Error);
        SetResponse set = await client.setKey(new SetRequest(Key("a"), Key("1")));
        Assert.Equal((false, "CONFLICT", ErrorCode.CONFLICT), (set.Success, set.ErrorCode, set.Code));
        Assert.True((await client.deleteKey(new DeleteRequest(Key("a")))).Success);

        await client.setFaultInjection(new FaultInjectionRequest("NETWORK") { Probability = 1 });
        Assert.Equal("NETWORK", (await client.deleteKey(new DeleteRequest(Key("a")))).ErrorCode);
        Assert.Equal(ErrorCode.NETWORK, (await client.@get(new GetRequest(Key("a")))).Code);
        AtomicCommitResponse commit = await client.atomicCommit(new AtomicCommitRequest(0, [], []));
        Assert.Equal((false, "NETWORK"), (commit.Success, commit.ErrorCode));

        await client.setFaultInjection(new FaultInjectionRequest("NETWORK") { Probability = 0 });
        Assert.True((await client.setKey(new SetRequest(Key("a"), Key("1")))).Success);
    }

    [Fact]
    public async Task SetFaultInjection_that_is_wrong_names_what()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        TransactionalKV.Client client = host.Client();

        FaultInjectionResponse probability = await client.setFaultInjection(
            new FaultInjectionRequest("TIMEOUT") { Probability = 2 });
        Assert.Contains("probability", probability.Error, StringComparison.Ordinal);
        FaultInjectionResponse target = await client.setFaultInjection(
            new FaultInjectionRequest("TIMEOUT") { Probability = 1, TargetOperation = "gte" });
        Assert.Contains("target_operation 'gte'", target.Error, StringComparison.Ordinal);
        FaultInjectionResponse duration = await client.setFaultInjection(
            new FaultInjectionRequest("TIMEOUT") { Probability = 1, DurationMs = -1 });
        Assert.Contains("duration_ms", duration.Error, StringComparison.Ordinal);
        Assert.True((await client.setKey(new SetRequest(Key("a"), Key("1")))).Success);
    }

    [Fact]
    public async Task SetFaultInjection_where_it_is_not_allowed_is_refused()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(options: new RpcOptions());
        TransactionalKV.Client client = host.Client();

        FaultInjectionResponse refused = await client.setFaultInjection(
            new FaultInjectionRequest("TIMEOUT") { Probability = 1 });

        Assert.Equal((false, ErrorCode.NOT_SUPPORTED), (refused.Success, refused.Code));
        Assert.True((await client.setKey(new SetRequest(Key("a"), Key("1")))).Success);
    }

    [Fact]
    public async Task SetFaultInjection_draining_node_refuses_data_calls_and_still_answers_for_itself()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(options: new RpcOptions
        {
            Limits = new RpcLimits { DrainTimeoutMs = 30_000 },
            AllowFaultInjection = true,
        });
        TransactionalKV.Client holder = host.Client();
        await holder.setFaultInjection(
            new FaultInjectionRequest("TIMEOUT") { Probability = 1, DurationMs = 500, TargetOperation = "set" });
        TransactionalKV.Client client = host.Client();
        await client.ping(new PingRequest());
        Task<SetResponse> held = holder.setKey(new SetRequest(Key("a"), Key("1")));
        await ConnectionTests.Eventually(() => host.Servers[0].Budget.Calls == 1);

        Task drain = host.Servers[0].Server.DrainAsync(CancellationToken.None);
        SetResponse refused = await client.setKey(new SetRequest(Key("b"), Key("1")));
        PingResponse ping = await client.ping(new PingRequest { Timestamp = 5 });

        Assert.Equal((false, "SHUTTING_DOWN"), (refused.Success, refused.ErrorCode));
        Assert.Equal(5, ping.Timestamp);
        Assert.Equal("TIMEOUT", (await held).ErrorCode);
        await drain;
    }

    [Fact]
    public async Task RpcConnection_missing_required_field_gets_an_exception_and_the_connection_stays()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        using var client = RawClient.Connect(host.Port);

        client.Send(RawClient.Message("setKey", 1, new PingRequest()));
        client.Send(RawClient.Message("atomicCommit", 2, new PingRequest { Timestamp = 3 }));
        client.Send(RawClient.Ping(3, "still here"));

        TApplicationException first = await Assert.ThrowsAsync<Thrift.TApplicationException>(client.ReceivePingAsync);
        Assert.Equal(Thrift.TApplicationException.ExceptionType.ProtocolError, first.Type);
        Assert.Contains("'key'", first.Message, StringComparison.Ordinal);
        TApplicationException second = await Assert.ThrowsAsync<Thrift.TApplicationException>(client.ReceivePingAsync);
        Assert.Contains("AtomicCommitRequest", second.Message, StringComparison.Ordinal);
        Assert.Equal((3, "still here"), await client.ReceivePingAsync());
    }

    [Fact]
    public async Task RpcConnection_mixed_calls_pipelined_on_one_connection_are_answered_in_order()
    {
        const int rounds = 300;
        await using ServiceHost host = await ServiceHost.StartAsync();
        using var client = RawClient.Connect(host.Port);
        for (int i = 0; i < rounds; i++)
        {
            client.Send(RawClient.Message("setKey", 3 * i, new SetRequest(Key("k"), Key("" + i))));
            client.Send(RawClient.Message("get", (3 * i) + 1, new GetRequest(Key("k"))));
            client.Send(RawClient.Ping((3 * i) + 2, "p" + i));
        }

        for (int i = 0; i < rounds; i++)
        {
            var set = new TransactionalKV.InternalStructs.setKey_result();
            Assert.Equal(3 * i, await client.ReceiveAsync(set));
            Assert.True(set.Success!.Success, set.Success.Error);
            var get = new TransactionalKV.InternalStructs.get_result();
            Assert.Equal((3 * i) + 1, await client.ReceiveAsync(get));

            // Later sets of the same pipeline may already have been applied; earlier ones must have been.
            Assert.InRange(
                int.Parse(Text(get.Success!.Value), System.Globalization.CultureInfo.InvariantCulture), i, rounds - 1);
            Assert.Equal(((3 * i) + 2, "p" + i), await client.ReceivePingAsync());
        }
    }
}
