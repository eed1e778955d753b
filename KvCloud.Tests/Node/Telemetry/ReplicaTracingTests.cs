using System.Diagnostics;
using System.Text;
using KvCloud.Node.Routing;
using KvCloud.Node.Rpc;
using KvCloud.Node.Telemetry;
using KvCloud.Protocol;
using KvCloud.Tests.Node.Rpc;
using static KvCloud.Tests.Node.Rpc.ServiceTests;
using ReadConsistency = KvCloud.Protocol.ReadConsistency;

namespace KvCloud.Tests.Node.Telemetry;

/// <summary>One call is one trace: three real replicas in this process, told apart by node id.</summary>
[Collection(TracingCollection.Name)]
public sealed class ReplicaTracingTests : IDisposable
{
    private static readonly RpcOptions NoRoots = new() { MaxRootTracesPerSecond = 0 };

    private readonly SpanCollector _spans = new(NodeTracing.SourceName);

    public void Dispose() => _spans.Dispose();

    [Fact]
    public async Task CallTracing_write_on_the_leader_is_one_trace_with_log_and_apply_of_every_replica()
    {
        await using ServiceHost host = await StartAsync();
        ActivityContext caller = NewCaller();

        SetResponse set = await host.Client(host.Leader).setKey(
            new SetRequest(Key("secret-key"), Key("secret-value")) { Traceparent = Text(caller) });

        Assert.True(set.Success, set.Error);
        Activity server = await OneAsync(caller, "TransactionalKV/setKey");
        Activity consensus = await OneAsync(caller, SpanNames.Consensus);
        Assert.Equal((ActivityKind.Server, caller.SpanId), (server.Kind, server.ParentSpanId));
        Assert.Equal(server.SpanId, consensus.ParentSpanId);
        Assert.Equal(host.Leader, consensus.GetTagItem("kvcloud.node_id"));
        Assert.Equal(1, consensus.GetTagItem("kvcloud.batch.commands"));
        await EveryReplicaAsync(SpanNames.LogSync, consensus);
        await EveryReplicaAsync(SpanNames.Apply, consensus);
        Assert.All(
            _spans.Of(caller.TraceId).SelectMany(span => span.TagObjects),
            tag => Assert.DoesNotContain("secret", $"{tag.Value}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task CallTracing_write_passed_on_by_a_follower_stays_in_its_trace()
    {
        await using ServiceHost host = await StartAsync(new RoutingOptions { ForwardWrites = true });
        int follower = (host.Leader + 1) % 3;
        ActivityContext caller = NewCaller();

        SetResponse set = await host.Client(follower).setKey(
            new SetRequest(Key("a"), Key("1")) { Traceparent = Text(caller) });

        Assert.True(set.Success, set.Error);
        Activity server = await OneAsync(caller, "TransactionalKV/setKey");
        await ConnectionTests.Eventually(() => Named(caller, SpanNames.Forward).Count == 2);
        Activity sent = Assert.Single(Named(caller, SpanNames.Forward), span => span.Kind == ActivityKind.Client);
        Activity taken = Assert.Single(Named(caller, SpanNames.Forward), span => span.Kind == ActivityKind.Server);
        Assert.Equal((server.SpanId, follower), (sent.ParentSpanId, sent.GetTagItem("kvcloud.node_id")));
        Assert.Equal(host.Leader, sent.GetTagItem("kvcloud.peer_id"));
        Assert.Equal((sent.SpanId, host.Leader), (taken.ParentSpanId, taken.GetTagItem("kvcloud.node_id")));
        Activity consensus = await OneAsync(caller, SpanNames.Consensus);
        Assert.Equal(taken.SpanId, consensus.ParentSpanId);
        await EveryReplicaAsync(SpanNames.LogSync, consensus);
        await EveryReplicaAsync(SpanNames.Apply, consensus);
    }

    [Fact]
    public async Task CallTracing_writes_that_share_a_slot_are_linked_with_its_span()
    {
        await using ServiceHost host = await StartAsync();
        TransactionalKV.Client[] clients = [.. Enumerable.Range(0, 16).Select(_ => host.Client(host.Leader))];
        List<Activity> shared = [];
        for (int round = 0; round < 200 && shared.Count == 0; round++)
        {
            await Task.WhenAll(clients.Select((client, i) => client.setKey(
                new SetRequest(Key("k" + i), Key("v")) { Traceparent = Text(NewCaller()) })));
            shared = [.. _spans.All.Where(span => span.OperationName == SpanNames.Consensus && span.Links.Any())];
        }

        Activity consensus = shared[0];
        Assert.Equal(consensus.Links.Count() + 1, consensus.GetTagItem("kvcloud.batch.traced_commands"));
        foreach (ActivityLink link in consensus.Links)
        {
            await ConnectionTests.Eventually(() => _spans.All.Any(span => span.SpanId == link.Context.SpanId));
            Activity server = Assert.Single(_spans.All, span => span.SpanId == link.Context.SpanId);
            Assert.Equal(ActivityKind.Server, server.Kind);
            Assert.NotEqual(consensus.TraceId, server.TraceId);
            Assert.Equal(consensus.SpanId, Assert.Single(server.Links).Context.SpanId);
        }
    }

    [Fact]
    public async Task CallTracing_linearizable_read_on_a_follower_shows_its_wait_for_the_read_index()
    {
        await using ServiceHost host = await StartAsync();
        ActivityContext caller = NewCaller();

        GetResponse get = await host.Client((host.Leader + 1) % 3).@get(
            new GetRequest(Key("a")) { Consistency = ReadConsistency.READ_INDEX, Traceparent = Text(caller) });

        Assert.False(get.__isset.code && get.Code != ErrorCode.OK, get.Error);
        Activity server = await OneAsync(caller, "TransactionalKV/get");
        Activity readIndex = await OneAsync(caller, SpanNames.ReadIndex);
        Assert.Equal(server.SpanId, readIndex.ParentSpanId);
        Assert.Contains(readIndex.Events, happened => happened.Name == "confirmed");
    }

    [Fact]
    public async Task CallTracing_refused_call_has_a_span_that_says_why()
    {
        await using ServiceHost host = await StartAsync();
        ActivityContext caller = NewCaller();

        SetResponse set = await host.Client((host.Leader + 1) % 3).setKey(
            new SetRequest(Key("a"), Key("1")) { Traceparent = Text(caller) });

        Assert.Equal("NOT_LEADER", set.ErrorCode);
        Activity server = await OneAsync(caller, "TransactionalKV/setKey");
        Assert.Equal((ActivityStatusCode.Error, "NOT_LEADER"), (server.Status, server.GetTagItem("error.type")));
    }

    [Theory]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")]
    [InlineData("nonsense")]
    public async Task CallTracing_call_that_is_not_sampled_or_not_understood_is_done_and_leaves_no_span(
        string traceParent)
    {
        await using ServiceHost host = await StartAsync();
        TransactionalKV.Client client = host.Client(host.Leader);

        SetResponse set = await client.setKey(new SetRequest(Key("a"), Key("1")) { Traceparent = traceParent });
        GetResponse get = await client.@get(new GetRequest(Key("a")) { Traceparent = traceParent });
        AtomicCommitResponse commit = await client.atomicCommit(
            new AtomicCommitRequest(0, [Operation("set", "b", "1")], []) { Traceparent = traceParent });

        Assert.True(set.Success, set.Error);
        Assert.Equal("1", Encoding.ASCII.GetString(get.Value));
        Assert.True(commit.Success, commit.Error);
        await Task.Delay(100);
        Assert.Empty(_spans.All);
    }

    /// <summary>Started, and every node knows who leads.</summary>
    private static async Task<ServiceHost> StartAsync(RoutingOptions? routing = null)
    {
        ServiceHost host = await ServiceHost.StartAsync(replicas: 3, NoRoots, routing);
        await ConnectionTests.Eventually(
            () => host.Replicas.All(replica => replica.Driver.Status.Leader?.Value == host.Leader));
        return host;
    }

    private static ActivityContext NewCaller() =>
        new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);

    private static string Text(ActivityContext context) =>
        $"00-{context.TraceId.ToHexString()}-{context.SpanId.ToHexString()}-01";

    private List<Activity> Named(ActivityContext caller, string name) =>
        [.. _spans.Of(caller.TraceId).Where(span => span.OperationName == name)];

    private async Task<Activity> OneAsync(ActivityContext caller, string name)
    {
        await ConnectionTests.Eventually(() => Named(caller, name).Count > 0);
        return Assert.Single(Named(caller, name));
    }

    /// <summary>One span of the name on each of the three, all below the slot's.</summary>
    private async Task EveryReplicaAsync(string name, Activity consensus)
    {
        var caller = new ActivityContext(consensus.TraceId, consensus.SpanId, ActivityTraceFlags.Recorded);
        await ConnectionTests.Eventually(() => Named(caller, name).Count >= 3);
        List<Activity> spans = Named(caller, name);
        Assert.Equal([0, 1, 2], spans.Select(span => (int)span.GetTagItem("kvcloud.node_id")!).Order());
        Assert.All(spans, span => Assert.Equal(consensus.SpanId, span.ParentSpanId));
        Assert.All(spans, span => Assert.Equal(consensus.GetTagItem("kvcloud.slot"), span.GetTagItem("kvcloud.slot")));
        Assert.All(spans, span => Assert.True(span.StartTimeUtc >= consensus.StartTimeUtc));
    }
}
