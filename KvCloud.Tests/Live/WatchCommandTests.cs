using System.Text.Json;
using KvCloud.Client;

namespace KvCloud.Tests.Live;

/// <summary>`kv top`, `kv tail` and `kv doctor` on real replicas.</summary>
[Collection(LiveCollection.Name)]
public sealed class WatchCommandTests(Xunit.Abstractions.ITestOutputHelper output)
{
    [Fact]
    public async Task TopCommand_and_doctor_tell_what_nodes_do_and_tail_follows_the_death_of_a_leader()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await using KvCloudClient client = cluster.NewClient();
        string endpoints = string.Join(',', cluster.Endpoints);
        await client.SetAsync("key", "value");
        int leader = await cluster.LeaderAsync(client);

        (int code, string printed, string told) = await KvProcess.RunAsync(
            "top", "--json", "--interval", "200ms", "--endpoints", endpoints);
        Assert.True(code == 0, told);
        JsonElement[] rows = [.. Lines(printed)];
        Assert.Equal([0, 1, 2], rows.Select(row => row.GetProperty("node").GetInt32()));
        Assert.True(rows[leader].GetProperty("leader").GetBoolean(), printed);
        Assert.All(rows, row => Assert.True(row.GetProperty("memory_bytes").GetInt64() > 0));

        (code, printed, told) = await KvProcess.RunAsync("doctor", "--json", "--endpoints", endpoints);
        output.WriteLine(printed);
        Assert.True(code == 0, printed + told);
        Assert.DoesNotContain("\"not-examined\"", printed, StringComparison.Ordinal);

        await using var tail = new KvProcess(output.WriteLine, "tail", "--endpoints", endpoints);
        await tail.UntilAsync(
            () => tail.Printed.Contains("leader_elected", StringComparison.Ordinal), "the first election");
        int before = OtherLeaders(tail.Printed, leader);
        await cluster.Processes.KillAsync(leader);

        // Whether the others notice that nobody leads depends on how soon one of them does.
        await tail.UntilAsync(
            () => tail.Printed.Contains($"node {leader} tells nothing", StringComparison.Ordinal)
                && OtherLeaders(tail.Printed, leader) >= before + 2,
            "the death of the leader, and the next election as both others saw it");
        await tail.StopAsync();

        (code, printed, told) = await KvProcess.RunAsync("doctor", "--json", "--endpoints", endpoints);
        output.WriteLine(printed);
        Assert.Equal(1, code);
        JsonElement away = Lines(printed).First(
            finding => finding.GetProperty("code").GetString() == "member-unreachable");
        Assert.Equal($"node {leader}", away.GetProperty("where").GetString());

        (code, printed, told) = await KvProcess.RunAsync(
            "tail", "--no-follow", "--logs", "-n", "1000", "--endpoints", endpoints);
        Assert.True(code == 0, told);
        Assert.Contains("leads, term", printed, StringComparison.Ordinal);
    }

    /// <summary>How many lines tell that another than this node was elected.</summary>
    private static int OtherLeaders(string printed, int leader) => printed.Split('\n').Count(line =>
        line.Contains("leader_elected", StringComparison.Ordinal)
        && !line.Contains($"node-{leader} leads", StringComparison.Ordinal));

    private static IEnumerable<JsonElement> Lines(string printed) =>
        printed.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(line));
}
