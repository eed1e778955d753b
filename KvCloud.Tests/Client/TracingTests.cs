using System.Diagnostics;
using KvCloud.Client;
using KvCloud.Client.Diagnostics;
using KvCloud.Protocol;
using KvCloud.Tests.Node.Telemetry;

namespace KvCloud.Tests.Client;

[Collection(TracingCollection.Name)]
public sealed class TracingTests
{
    [Fact]
    public async Task ClientTelemetry_every_kind_of_call_brings_its_span_along()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);
        using var spans = new SpanCollector(ClientTelemetry.Name);

        await client.SetAsync("secret", "1");
        await client.GetStringAsync("secret");
        await client.DeleteAsync("secret");
        await client.GetReadVersionAsync();
        await client.CreateColumnFamilyAsync("cf");

        Assert.Equal(
            ["createColumnFamily", "deleteKey", "get", "getReadVersion", "openSession", "setKey"],
            spans.All.Select(span => span.OperationName).Order(StringComparer.Ordinal));
        foreach (Activity span in spans.All)
        {
            Assert.Equal($"00-{span.TraceId}-{span.SpanId}-01", TraceParentOf(cluster, span.OperationName));
            Assert.Equal(
                ("kvcloud", span.OperationName),
                (span.GetTagItem("db.system.name"), span.GetTagItem("db.operation.name")));
            Assert.Equal(
                ("127.0.0.1", cluster.Nodes[0].Port),
                (span.GetTagItem("server.address"), span.GetTagItem("server.port")));
            Assert.DoesNotContain(span.TagObjects, tag => $"{tag.Value}".Contains("secret", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task ClientTelemetry_caller_with_a_trace_brings_that_along_where_nobody_listens_to_the_client()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);
        using Activity caller = new Activity("caller").SetIdFormat(ActivityIdFormat.W3C).Start();

        await client.GetStringAsync("a");

        Assert.Equal($"00-{caller.TraceId}-{caller.SpanId}-00", TraceParentOf(cluster, "get"));
    }

    [Fact]
    public async Task ClientTelemetry_call_without_any_trace_brings_none()
    {
        Assert.Null(Activity.Current);
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);

        await client.GetStringAsync("a");

        Assert.Null(TraceParentOf(cluster, "get"));
    }

    [Fact]
    public async Task ClientTelemetry_background_work_belongs_to_no_trace()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(new KvCloudClientSettings
        {
            ConnectionString = $"Endpoints={cluster.Endpoints}",
            RefreshInterval = TimeSpan.FromMilliseconds(300),
        });
        using var spans = new SpanCollector(ClientTelemetry.Name);
        using (new Activity("caller").SetIdFormat(ActivityIdFormat.W3C).Start())
        {
            await client.GetStringAsync("a");
        }

        long deadlineMs = Environment.TickCount64 + 30_000;
        while (cluster.Nodes[0].Calls("getClusterHealth").Count < 2 && Environment.TickCount64 < deadlineMs)
        {
            await Task.Delay(20);
        }

        Assert.True(cluster.Nodes[0].Calls("getClusterHealth").Count >= 2);
        Assert.All(
            cluster.Nodes[0].Calls("getClusterHealth"),
            call => Assert.False(((GetClusterHealthRequest)call.Request).__isset.traceparent));
        Assert.DoesNotContain(spans.All, span => span.OperationName == "getClusterHealth");
    }

    [Fact]
    public async Task RunAsync_transaction_is_one_trace_of_its_calls()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);
        using var spans = new SpanCollector(ClientTelemetry.Name);

        await client.RunAsync(async transaction =>
        {
            await transaction.GetStringAsync("a");
            transaction.Set("a", "1");
        });

        Activity whole = Assert.Single(spans.All, span => span.OperationName == "transaction");
        Activity commit = Assert.Single(spans.All, span => span.OperationName == "atomicCommit");
        Assert.Equal((ActivityKind.Internal, ActivityKind.Client), (whole.Kind, commit.Kind));
        Assert.Equal((whole.TraceId, whole.SpanId), (commit.TraceId, commit.ParentSpanId));
    }

    private static string? TraceParentOf(ScriptedCluster cluster, string method)
    {
        object request = Assert.Single(cluster.Nodes[0].Calls(method)).Request;
        return (string?)request.GetType().GetProperty("Traceparent")!.GetValue(request);
    }
}
