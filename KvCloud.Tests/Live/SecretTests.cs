using System.Collections.Concurrent;
using System.Text;
using KvCloud.Client;
using KvCloud.Protocol;
using static KvCloud.Tests.Node.Rpc.ConnectionTests;

namespace KvCloud.Tests.Live;

/// <summary>
/// Canaries in the place of a token, keys and values: they must be nowhere in what a replica says of itself, whatever
/// is asked of it and however it refuses.
/// </summary>
[Collection(LiveCollection.Name)]
public sealed class SecretTests
{
    private const string Token = "canary-token-7f3a";
    private const string WrongToken = "canary-wrong-token-91c2";
    private const string Value = "canary-value-5d20";
    private const string Key = "canary-key-c0de";

    [Fact]
    public async Task Node_says_no_token_key_or_value_in_logs_traces_metrics_status_or_errors()
    {
        await using OtlpReceiver receiver = await OtlpReceiver.StartAsync();
        ConcurrentQueue<string> said = new();
        await using (LiveCluster cluster = await LiveCluster.StartAsync(
            environment: _ =>
            [
                new("KvCloud__Security__AuthToken", Token),
                new("Logging__LogLevel__Default", "Trace"),
                new("Logging__Console__LogLevel__Default", "Trace"),
                new("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.Endpoint),
                new("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
                new("OTEL_BSP_SCHEDULE_DELAY", "200"),
                new("OTEL_BLRP_SCHEDULE_DELAY", "200"),
                new("KvCloud__Tracing__MaxRootTracesPerSecond", "1000"),
            ],
            onLine: (_, line) => said.Enqueue(line)))
        {
            await CallEverythingAsync(cluster, said);
            await AskHttpAsync(cluster, said);
            await Eventually(() => receiver.Spans.Any(span => span.Name == "TransactionalKV/setKey")
                && !receiver.Logs.IsEmpty);
        }

        foreach (OtlpSpan span in receiver.Spans)
        {
            said.Enqueue($"span {span.Name}: {string.Join(' ', span.Attributes)}");
        }

        foreach (OtlpLog line in receiver.Logs)
        {
            said.Enqueue($"log by OTLP: {string.Join(' ', line.Attributes)}");
        }

        Assert.Contains(said, line => line.Contains("auth_token", StringComparison.Ordinal));
        Assert.True(said.Count > 500, $"only {said.Count} lines were looked at");
        foreach (string canary in (string[])[Token, WrongToken, Value, Key])
        {
            string base64 = Convert.ToBase64String(Encoding.UTF8.GetBytes(canary));
            string hexadecimal = Convert.ToHexString(Encoding.UTF8.GetBytes(canary));
            Assert.DoesNotContain(said, line => line.Contains(canary, StringComparison.Ordinal)
                || line.Contains(base64[..^4], StringComparison.Ordinal)
                || line.Contains(hexadecimal, StringComparison.OrdinalIgnoreCase));
        }
    }

    /// <summary>What succeeds, and what is refused in as many ways as there are; the answers' texts are kept.</summary>
    private static async Task CallEverythingAsync(LiveCluster cluster, ConcurrentQueue<string> said)
    {
        byte[] key = Encoding.UTF8.GetBytes(Key);
        byte[] value = Encoding.UTF8.GetBytes(Value);
        await using (KvCloudClient client = cluster.NewClient(settings => settings.AuthToken = Token))
        {
            await client.SetAsync(key, value);
            await client.GetAsync(key);
            await client.RunAsync(transaction =>
            {
                transaction.Set(key, value);
                return Task.CompletedTask;
            });
            said.Enqueue((await client.GetClusterHealthAsync()).ToString());
        }

        await using (KvCloudClient stranger = cluster.NewClient(settings => settings.AuthToken = WrongToken))
        {
            KvCloudException refused = await Assert.ThrowsAsync<KvCloudException>(
                async () => await stranger.GetClusterHealthAsync());
            said.Enqueue(refused.ToString());
        }

        for (int node = 0; node < cluster.Count; node++)
        {
            using var plain = new PlainClient(cluster.Endpoints[node]);
            byte[] tooLong = [.. key, .. new byte[64 * 1024]];
            said.Enqueue((await plain.Calls.setKey(new SetRequest(tooLong, value))).Error ?? "");
            said.Enqueue((await plain.Calls.setKey(new SetRequest(key, value) { ColumnFamily = "none" })).Error ?? "");
            said.Enqueue((await plain.Calls.setKey(new SetRequest(key, value) { TimeoutMs = -1 })).Error ?? "");
            said.Enqueue((await plain.Calls.get(new GetRequest([]))).Error ?? "");
            said.Enqueue((await plain.Calls.getRange(
                new GetRangeRequest { BeginKey = key, EndKey = key, Limit = -1 })).Error ?? "");
            said.Enqueue((await plain.Calls.atomicCommit(new AtomicCommitRequest(
                long.MaxValue, [new Operation("nothing", key) { Value = value }], [key]))).Error ?? "");
            said.Enqueue((await plain.Calls.atomicCommit(new AtomicCommitRequest(
                long.MaxValue, [new Operation("set", key) { Value = value }], [key]))).Error ?? "");
        }
    }

    private static async Task AskHttpAsync(LiveCluster cluster, ConcurrentQueue<string> said)
    {
        using var http = new HttpClient();
        foreach (int port in cluster.Topology.Replicas.Select(replica => replica.HttpPort))
        {
            foreach (string path in (string[])
                ["/status", "/metrics", "/health", "/alive", "/events", "/logs", "/config"])
            {
                using HttpResponseMessage answer = await http.GetAsync(new Uri($"http://127.0.0.1:{port}{path}"));
                foreach (string line in (await answer.Content.ReadAsStringAsync()).Split('\n'))
                {
                    said.Enqueue(line);
                }
            }
        }
    }
}
