using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using KvCloud.Cli;
using KvCloud.Client;

namespace KvCloud.Tests.Live;

/// <summary>Two of three directories are lost for good; a new group goes on with what the third one knew.</summary>
[Collection(LiveCollection.Name)]
public sealed class LostQuorumTests
{
    [Fact]
    public async Task QuorumRecovery_of_the_one_that_is_left_has_every_acknowledged_write_that_it_knew()
    {
        var acknowledged = new ConcurrentDictionary<string, long>();
        string root = Directory.CreateTempSubdirectory("kvcloud-recovered-").FullName;
        string plan = Path.Combine(Path.GetTempPath(), $"kvcloud-plan-{Guid.NewGuid():n}.json");
        await using (LiveCluster lost = await LiveCluster.StartAsync())
        {
            await using KvCloudClient client = lost.NewClient();
            using var stop = new CancellationTokenSource();
            Task[] writing =
            [
                .. Enumerable.Range(0, 4).Select(writer => WriteAsync(client, writer, acknowledged, stop.Token)),
            ];
            while (acknowledged.Count < 400)
            {
                await Task.Delay(10);
            }

            await stop.CancelAsync();
            await Task.WhenAll(writing);
            int left = await lost.LeaderAsync(client);
            await lost.Processes.StopAsync(left);
            foreach (int index in Enumerable.Range(0, 3).Where(index => index != left))
            {
                await lost.Processes.KillAsync(index);
                Directory.Delete(Path.Combine(lost.Topology.DataRoot, $"node_{index}"), recursive: true);
            }

            await KvAsync(
                "recover", "plan", "--data", Path.Combine(lost.Topology.DataRoot, $"node_{left}"), "--out", plan);
            string applied = await KvAsync(
                "recover", "apply", "--plan", plan, "--target", root, "--nodes", "0,1,2", "--cluster-id", "again");
            using var made = JsonDocument.Parse(applied);
            Assert.True(made.RootElement.GetProperty("first_version").GetInt64() > acknowledged.Values.Max());
        }

        File.Delete(plan);
        await using LiveCluster recovered = await LiveCluster.StartAsync(dataRoot: root, clusterId: "again");
        await using KvCloudClient again = recovered.NewClient();
        foreach (string key in acknowledged.Keys)
        {
            Assert.Equal(key, Encoding.UTF8.GetString(await again.GetAsync(Encoding.UTF8.GetBytes(key)) ?? []));
        }

        Assert.True(await again.SetAsync("new"u8.ToArray(), "1"u8.ToArray()) > acknowledged.Values.Max());
    }

    /// <summary>What `kv` says when it succeeds.</summary>
    private static async Task<string> KvAsync(params string[] arguments)
    {
        using var output = new MemoryStream();
        using var error = new StringWriter();
        int code = await KvProgram.RunAsync(
            arguments, KvConsole.ForStreams(new MemoryStream(), output, error), CancellationToken.None);
        Assert.True(code == ExitCode.Ok, error.ToString());
        return Encoding.UTF8.GetString(output.ToArray());
    }

    private static async Task WriteAsync(
        KvCloudClient client, int writer, ConcurrentDictionary<string, long> acknowledged, CancellationToken stop)
    {
        for (int i = 0; !stop.IsCancellationRequested; i++)
        {
            string key = $"{writer}/{i}";
            acknowledged[key] = await client.SetAsync(
                Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(key), cancellationToken: CancellationToken.None);
        }
    }
}
