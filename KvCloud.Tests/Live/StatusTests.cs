using System.Diagnostics;
using System.Text;
using System.Text.Json;
using KvCloud.Cli;
using KvCloud.Client;

namespace KvCloud.Tests.Live;

/// <summary>`kv status` while leaders die.</summary>
[Collection(LiveCollection.Name)]
public sealed class StatusTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Status_leader_killed_never_shows_two_leaders_and_the_dead_one_is_unreachable()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await using KvCloudClient client = cluster.NewClient();
        int dead = await cluster.LeaderAsync(client);
        int[] survivors = [.. Enumerable.Range(0, cluster.Count).Where(i => i != dead)];
        await cluster.Processes.KillAsync(dead);

        foreach (int survivor in survivors)
        {
            // Each tells of its own view: the dead leader alone, nobody, or the new leader alone; at last the new one,
            // and that the dead one is gone.
            long started = Stopwatch.GetTimestamp();
            string health = "";
            int leader = dead;
            while (leader == dead || health != "unreachable")
            {
                Assert.True(Stopwatch.GetElapsedTime(started) < Patience, $"{leader} leads, {dead} is {health}");
                Row[] rows = await StatusAsync(cluster.Endpoints[survivor]);
                Row[] leaders = [.. rows.Where(row => row.Leader || row.Role == "leader")];
                Assert.InRange(leaders.Length, 0, 1);
                Assert.All(leaders, row => Assert.Equal((true, "leader"), (row.Leader, row.Role)));
                leader = leaders.Length == 1 ? leaders[0].Id : dead;
                health = rows[dead].Health;
            }

            Assert.Contains(leader, survivors);
        }
    }

    [Fact]
    public async Task Status_right_after_writes_shows_every_replica_at_their_slots()
    {
        const int Writes = 100;
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await using KvCloudClient client = cluster.NewClient();
        for (int i = 0; i < Writes; i++)
        {
            await client.SetAsync($"key{i}", "value");
        }

        (int code, string printed, string told) = await KvProcess.RunAsync(
            "status", "--json", "--endpoints", string.Join(',', cluster.Endpoints));

        Assert.True(code == 0, told);
        using var status = JsonDocument.Parse(printed);
        Assert.All(
            status.RootElement.GetProperty("nodes").EnumerateArray(),
            node => Assert.InRange(node.GetProperty("applied_slot").GetInt64(), Writes / 2, long.MaxValue));
    }

    private static async Task<Row[]> StatusAsync(string endpoint)
    {
        using var printed = new MemoryStream();
        using var told = new StringWriter();
        await KvProgram.RunAsync(
            ["status", "--json", "--endpoint", endpoint, "--endpoints", endpoint],
            KvConsole.ForStreams(Stream.Null, printed, told),
            CancellationToken.None);
        using var status = JsonDocument.Parse(Encoding.UTF8.GetString(printed.ToArray()));
        return
        [
            .. status.RootElement.GetProperty("nodes").EnumerateArray().Select(node => new Row(
                node.GetProperty("id").GetInt32(),
                node.GetProperty("leader").GetBoolean(),
                node.GetProperty("role").GetString()!,
                node.GetProperty("health").GetString()!)),
        ];
    }

    private sealed record Row(int Id, bool Leader, string Role, string Health);
}
