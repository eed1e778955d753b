using System.Diagnostics;
using System.Text.Json;
using KvCloud.Cli.Cluster;
using KvCloud.Tests.Client;

namespace KvCloud.Tests.Cli;

public sealed class StatusCommandTests
{
    [Fact]
    public async Task Create_every_node_is_asked_for_itself_and_says_how_long_it_took()
    {
        await using var cluster = new ScriptedCluster(3);
        var asked = new System.Collections.Concurrent.ConcurrentDictionary<int, int>();
        foreach (ScriptedNode node in cluster.Nodes)
        {
            node.Script = call =>
            {
                asked.AddOrUpdate(node.Id, 1, (_, count) => count + 1);
                return new ValueTask<ScriptedAct?>((ScriptedAct?)null);
            };
        }

        KvRun run = await KvRun.Async("status", "--json", "--endpoints", cluster.Endpoints);

        Assert.Equal(0, run.Code);
        Assert.Equal([0, 1, 2], asked.Keys.Order());
        using var status = JsonDocument.Parse(run.Text);
        Assert.All(
            status.RootElement.GetProperty("nodes").EnumerateArray(),
            node => Assert.True(node.GetProperty("answer_ms").GetDouble() > 0));
    }

    [Fact]
    public async Task Create_node_that_hangs_costs_its_deadline_and_is_unreachable_beside_the_others()
    {
        await using var cluster = new ScriptedCluster(3);
        cluster.Nodes[2].Script = _ => new ValueTask<ScriptedAct?>(new ScriptedAct { Silence = true });
        long started = Stopwatch.GetTimestamp();

        KvRun run = await KvRun.Async("status", "--endpoints", cluster.Nodes[0].Endpoint);

        Assert.Equal(0, run.Code);
        Assert.InRange(
            Stopwatch.GetElapsedTime(started), TimeSpan.Zero, ClusterQuery.Deadline + TimeSpan.FromSeconds(5));
        Assert.Contains($"2\t{cluster.Nodes[2].Endpoint}\tunknown\tunreachable\t-", run.Text, StringComparison.Ordinal);
        Assert.Contains("node 2: ", run.Text, StringComparison.Ordinal);
        Assert.Contains("cluster degraded, 2 of 3 replicas are healthy", run.Text, StringComparison.Ordinal);
        Assert.Contains("kv doctor", run.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_leader_that_does_not_answer_leads_nobody()
    {
        await using var cluster = new ScriptedCluster(3);
        cluster.Nodes[0].Script = _ => new ValueTask<ScriptedAct?>(new ScriptedAct { Silence = true });

        KvRun run = await KvRun.Async("status", "--json", "--endpoints", cluster.Nodes[1].Endpoint);

        Assert.Equal(3, run.Code);
        Assert.Contains("\"leader\":null", run.Text, StringComparison.Ordinal);
        Assert.Contains("\"status\":\"unhealthy\"", run.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_with_an_endpoint_prints_what_that_node_has_heard()
    {
        await using var cluster = new ScriptedCluster(3);
        cluster.Nodes[2].Script = _ => new ValueTask<ScriptedAct?>(new ScriptedAct { Silence = true });

        KvRun run = await KvRun.Async(
            "status", "--endpoint", cluster.Nodes[0].Endpoint, "--endpoints", cluster.Nodes[0].Endpoint);

        Assert.Contains("3 of 3 replicas are healthy", run.Text, StringComparison.Ordinal);
    }
}
