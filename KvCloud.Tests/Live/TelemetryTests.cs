using System.Diagnostics;
using KvCloud.Client;
using KvCloud.Client.Diagnostics;
using KvCloud.Protocol;
using KvCloud.Tests.Node.Telemetry;
using Xunit.Abstractions;

namespace KvCloud.Tests.Live;

/// <summary>What real processes send by OTLP: one call is one trace, and logs have levels and properties.</summary>
[Collection(LiveCollection.Name)]
public sealed class TelemetryTests(ITestOutputHelper output)
{
    private const int Server = 2;
    private const int Client = 3;

    private static readonly string[] Nodes = ["node-0", "node-1", "node-2"];

    [Fact]
    public async Task CallTracing_of_live_calls_is_one_trace_each_and_logs_are_structured()
    {
        await using OtlpReceiver receiver = await OtlpReceiver.StartAsync();
        await using LiveCluster cluster = await LiveCluster.StartAsync(environment: replica =>
        [
            new("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.Endpoint),
            new("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            new("OTEL_BSP_SCHEDULE_DELAY", "200"),
            new("OTEL_BLRP_SCHEDULE_DELAY", "200"),
            new("OTEL_SERVICE_NAME", Nodes[replica.Index]),
            new("KvCloud__Deployment__WriteRouting", "forward"),
        ]);
        await using KvCloudClient any = cluster.NewClient();
        int leader = await cluster.LeaderAsync(any);
        int follower = (leader + 1) % cluster.Count;

        // It knows the leader alone, for any replica takes writes; its first opens a session, which would be in the
        // trace.
        await using var client = new KvCloudClient(cluster.Endpoints[leader]);
        await client.SetAsync("first", "1");
        using var spans = new SpanCollector(ClientTelemetry.Name);

        await client.SetAsync("traced", "1");
        Activity set = Assert.Single(spans.All, span => span.OperationName == "setKey");
        await CheckWriteAsync(receiver, set.Context, Nodes[leader]);

        await client.GetStringAsync("traced", new KvReadOptions
        {
            Consistency = ReadConsistency.READ_INDEX,
            Endpoint = cluster.Endpoints[follower],
        });
        Activity get = Assert.Single(spans.All, span => span.OperationName == "get");
        await CheckReadAsync(receiver, get.Context, Nodes[follower]);

        var caller = new ActivityContext(
            ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);
        using var plain = new PlainClient(cluster.Endpoints[follower]);
        SetResponse forwarded = await plain.Calls.setKey(
            new SetRequest("forwarded"u8.ToArray(), [1]) { Traceparent = $"00-{caller.TraceId}-{caller.SpanId}-01" });
        Assert.True(forwarded.Success, forwarded.Error);
        await CheckForwardedAsync(receiver, caller, Nodes[follower], Nodes[leader]);

        await CheckSharedSlotAsync(receiver, client);
        await CheckLogsAsync(receiver);
    }

    /// <summary>
    /// Writes that come together share a slot: its span is in the trace of one of them, and linked with the others'.
    /// </summary>
    private static async Task CheckSharedSlotAsync(OtlpReceiver receiver, KvCloudClient client)
    {
        OtlpSpan? shared = null;
        await UntilAsync(
            async () =>
            {
                await Task.WhenAll(Enumerable.Range(0, 32).Select(i => client.SetAsync($"shared/{i}", "1").AsTask()));
                shared = receiver.Spans.FirstOrDefault(
                    span => span is { Name: "kvcloud.consensus", Links.Count: > 0 });
                return shared is not null;
            },
            () => $"{receiver.Spans.Count} spans, none of a slot that several writes share");

        foreach (string link in shared!.Links)
        {
            OtlpSpan? write = null;
            await UntilAsync(
                () => (write = receiver.Spans.FirstOrDefault(span => span.SpanId == link)) is not null,
                () => $"no span {link}, which that of the slot is linked with");
            Assert.Equal("TransactionalKV/setKey", write!.Name);
            Assert.NotEqual(shared.TraceId, write.TraceId);
            Assert.Equal([shared.SpanId], write.Links);
        }

        foreach (string name in (string[])["kvcloud.log.sync", "kvcloud.apply"])
        {
            await UntilAsync(
                () => Nodes.All(node => receiver.Spans.Any(
                    span => span.Name == name && span.Service == node && span.ParentId == shared.SpanId)),
                () => $"not every replica has {name} of the shared slot");
        }
    }

    private async Task CheckWriteAsync(OtlpReceiver receiver, ActivityContext caller, string leader)
    {
        List<OtlpSpan> trace = await TraceAsync(receiver, caller, count: 8);
        OtlpSpan server = Assert.Single(trace, span => span.Name == "TransactionalKV/setKey");
        Assert.Equal((leader, Server, caller.SpanId.ToHexString()), (server.Service, server.Kind, server.ParentId));
        CheckConsensus(trace, server);
    }

    private async Task CheckReadAsync(OtlpReceiver receiver, ActivityContext caller, string follower)
    {
        List<OtlpSpan> trace = await TraceAsync(receiver, caller, count: 2);
        OtlpSpan server = Assert.Single(trace, span => span.Name == "TransactionalKV/get");
        Assert.Equal((follower, caller.SpanId.ToHexString()), (server.Service, server.ParentId));
        OtlpSpan readIndex = Assert.Single(trace, span => span.Name == "kvcloud.read_index");
        Assert.Equal((follower, server.SpanId), (readIndex.Service, readIndex.ParentId));
    }

    private async Task CheckForwardedAsync(
        OtlpReceiver receiver, ActivityContext caller, string follower, string leader)
    {
        List<OtlpSpan> trace = await TraceAsync(receiver, caller, count: 10);
        OtlpSpan server = Assert.Single(trace, span => span.Name == "TransactionalKV/setKey");
        OtlpSpan sent = Assert.Single(trace, span => span is { Name: "kvcloud.forward", Kind: Client });
        OtlpSpan taken = Assert.Single(trace, span => span is { Name: "kvcloud.forward", Kind: Server });
        Assert.Equal((follower, follower, leader), (server.Service, sent.Service, taken.Service));
        Assert.Equal((server.SpanId, sent.SpanId), (sent.ParentId, taken.ParentId));
        CheckConsensus(trace, taken);
    }

    /// <summary>The slot's span on the leader, and below it the log and the state machine of each replica.</summary>
    private static void CheckConsensus(List<OtlpSpan> trace, OtlpSpan parent)
    {
        OtlpSpan consensus = Assert.Single(trace, span => span.Name == "kvcloud.consensus");
        Assert.Equal((parent.Service, parent.SpanId), (consensus.Service, consensus.ParentId));
        foreach (string name in (string[])["kvcloud.log.sync", "kvcloud.apply"])
        {
            OtlpSpan[] each = [.. trace.Where(span => span.Name == name)];
            Assert.Equal(Nodes, each.Select(span => span.Service).Order(StringComparer.Ordinal));
            Assert.All(each, span => Assert.Equal(consensus.SpanId, span.ParentId));
            Assert.All(each, span => Assert.Equal(
                consensus.Attributes["kvcloud.slot"], span.Attributes["kvcloud.slot"]));
        }
    }

    private static async Task CheckLogsAsync(OtlpReceiver receiver)
    {
        const int Information = 9;
        await UntilAsync(
            () => Nodes.All(node => StartOf(node) is not null), () => $"{receiver.Logs.Count} log lines");
        OtlpLog started = StartOf("node-1")!;
        Assert.Equal(
            (Information, "1", "3"), (started.Severity, started.Attributes["NodeId"], started.Attributes["Replicas"]));
        Assert.Equal("1020", started.Attributes["logrecord.event.id"]);
        Assert.All(receiver.Logs, log => Assert.NotEqual(0, log.Severity));

        OtlpLog? StartOf(string node) => receiver.Logs.FirstOrDefault(
            log => log.Service == node && log.Attributes.ContainsKey("ThriftPort"));
    }

    private async Task<List<OtlpSpan>> TraceAsync(OtlpReceiver receiver, ActivityContext caller, int count)
    {
        List<OtlpSpan> trace = [];
        string id = caller.TraceId.ToHexString();
        await UntilAsync(
            () => (trace = [.. receiver.Spans.Where(span => span.TraceId == id)]).Count >= count,
            () => string.Join('\n', trace));
        foreach (OtlpSpan span in trace)
        {
            output.WriteLine($"{span.TraceId} {span.Service} {span.Name} {span.SpanId} < {span.ParentId}");
        }

        return trace;
    }

    private static Task UntilAsync(Func<bool> condition, Func<string> have) =>
        UntilAsync(() => Task.FromResult(condition()), have);

    private static async Task UntilAsync(Func<Task<bool>> condition, Func<string> have)
    {
        long deadlineMs = Environment.TickCount64 + 30_000;
        while (!await condition())
        {
            Assert.True(Environment.TickCount64 < deadlineMs, $"not within 30 s; there is:\n{have()}");
            await Task.Delay(50);
        }
    }
}
