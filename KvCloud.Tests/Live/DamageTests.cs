using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Protocol;
using Xunit.Abstractions;

namespace KvCloud.Tests.Live;

/// <summary>
/// Bits of real files of running replicas are turned around. No read is ever answered wrongly, the others lead, and the
/// data come back from a peer while clients go on writing.
/// </summary>
[Collection(LiveCollection.Name)]
public sealed class DamageTests(ITestOutputHelper output)
{
    private const int ValueBytes = 128 * 1024;
    private const int Values = 160;
    private const int FatalExitCode = 4;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Damage_that_a_read_meets_moves_the_leader_and_is_mended_when_an_operator_asks()
    {
        await using LiveCluster cluster = await StartAsync("manual");
        await using KvCloudClient client = cluster.NewClient();
        await using var load = new RegisterLoad(cluster);
        await WriteAsync(client);
        await load.NextAcknowledgedAsync(Patience);
        int damaged = await cluster.LeaderAsync(client);
        int flipped = FlipEverywhere(cluster, damaged);

        int refused = await ReadAllAsync(cluster, client, damaged);

        output.WriteLine($"{flipped} files damaged, {refused} of {Values} reads refused");
        Assert.InRange(refused, 1, Values);
        await load.NextAcknowledgedAsync(Patience);
        int[] others = [.. Enumerable.Range(0, cluster.Count).Where(index => index != damaged)];
        Assert.NotEqual(damaged, await cluster.LeaderAsync(client, others));
        string health = await HealthAsync(cluster, damaged, HttpStatusCode.ServiceUnavailable);
        Assert.Matches(@"is damaged, file \d+\.sst", health);
        KvClusterHealth seen = await client.GetClusterHealthAsync(
            new KvReadOptions { Endpoint = cluster.Endpoints[damaged] });
        Assert.Contains(
            ".sst", seen.Nodes.Single(node => node.Id == damaged).StatusReason, StringComparison.Ordinal);

        // It votes on: with it alone the last sound one gets writes chosen.
        await cluster.Processes.KillAsync(others[0]);
        await load.NextAcknowledgedAsync(Patience);
        cluster.Processes.Start(others[0]);
        await cluster.WaitHealthyAsync(others);

        long started = Stopwatch.GetTimestamp();
        await OrderRebuildAsync(cluster, client, damaged);
        await WaitForLineAsync(cluster, damaged, "is in place");
        await cluster.WaitHealthyAsync();
        output.WriteLine($"mended after {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s");
        await load.NextAcknowledgedAsync(Patience);
        await load.StopAsync();
        Assert.Empty(load.Violations);
        await CheckAsync(cluster, client);
    }

    [Fact]
    public async Task Damage_that_nobody_touches_is_found_by_the_scrub_and_mended_by_itself()
    {
        await using LiveCluster cluster = await StartAsync("automatic");
        await using KvCloudClient client = cluster.NewClient();
        await WriteAsync(client);
        int damaged = (await cluster.LeaderAsync(client) + 1) % cluster.Count;
        await cluster.Processes.StopAsync(damaged);
        Assert.True(FlipEverywhere(cluster, damaged) > 0);

        long started = Stopwatch.GetTimestamp();
        cluster.Processes.Start(damaged);
        await WaitForLineAsync(cluster, damaged, "DAMAGED");
        output.WriteLine($"found after {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s");
        await WaitForLineAsync(cluster, damaged, "is in place");
        await cluster.WaitHealthyAsync();
        output.WriteLine($"mended after {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s");

        await CheckAsync(cluster, client);
    }

    [Fact]
    public async Task Damage_with_which_the_data_cannot_be_opened_is_mended_before_the_replica_takes_part()
    {
        await using LiveCluster cluster = await StartAsync("automatic");
        await using KvCloudClient client = cluster.NewClient();
        await WriteAsync(client);
        int damaged = (await cluster.LeaderAsync(client) + 1) % cluster.Count;
        await cluster.Processes.StopAsync(damaged);
        File.Delete(TablesOf(cluster, damaged).MaxBy(file => new FileInfo(file).Length)!);

        cluster.Processes.Start(damaged);
        await WaitForLineAsync(cluster, damaged, "is in place");
        await cluster.WaitHealthyAsync();

        await CheckAsync(cluster, client);
    }

    [Fact]
    public async Task Damage_of_the_log_ends_the_replica_and_names_what_helps()
    {
        await using LiveCluster cluster = await StartAsync("automatic");
        await using KvCloudClient client = cluster.NewClient();
        await WriteAsync(client);
        int damaged = (await cluster.LeaderAsync(client) + 1) % cluster.Count;
        await cluster.Processes.StopAsync(damaged);
        string log = Path.Combine(DirectoryOf(cluster, damaged), "log");
        Flip(Directory.GetFiles(log, "0*.log").Order(StringComparer.Ordinal).First(), 20_000);

        cluster.Processes.Start(damaged);
        NodeProcess node = cluster.Processes.Nodes[damaged];
        long started = Stopwatch.GetTimestamp();
        while (node.State == NodeState.Running && Stopwatch.GetElapsedTime(started) < Patience)
        {
            await Task.Delay(50);
        }

        Assert.Equal(FatalExitCode, node.LastExitCode);
        Assert.Contains(
            cluster.Processes.LogTail(damaged),
            line => line.Contains("kv member replace", StringComparison.Ordinal));
    }

    private static Task<LiveCluster> StartAsync(string rebuild) => LiveCluster.StartAsync(environment: _ =>
    [
        new("KvCloud__Scrub__Rebuild", rebuild),
        new("KvCloud__Scrub__MaxBytesPerSecond", (64 * 1024 * 1024).ToString(CultureInfo.InvariantCulture)),
        new("KvCloud__Snapshots__LogRetentionBytes", (1024 * 1024).ToString(CultureInfo.InvariantCulture)),
        new("KvCloud__Rocksdb__WriteBufferSizeMb", "4"),
    ]);

    private static async Task WriteAsync(KvCloudClient client)
    {
        for (int i = 0; i < Values; i++)
        {
            await client.SetAsync(KeyOf(i), ValueOf(i));
        }
    }

    /// <summary>Each value is the one that was written, or refused as damaged; says how many were refused.</summary>
    private static async Task<int> ReadAllAsync(LiveCluster cluster, KvCloudClient client, int index)
    {
        var options = new KvReadOptions
        {
            Consistency = ReadConsistency.LOCAL,
            Endpoint = cluster.Endpoints[index],
        };
        int refused = 0;
        for (int i = 0; i < Values; i++)
        {
            try
            {
                Assert.Equal(ValueOf(i), await client.GetAsync(KeyOf(i), options));
            }
            catch (KvCloudException exception)
            {
                Assert.Equal(ErrorCode.CORRUPTION, exception.ErrorCode);
                refused++;
            }
        }

        return refused;
    }

    private static async Task OrderRebuildAsync(LiveCluster cluster, KvCloudClient client, int index) =>
        await client.ChangeMembersAsync(new KvMemberChange
        {
            Kind = MemberChangeKind.REBUILD,
            NodeId = index,
            Endpoint = cluster.Endpoints[index],
        });

    private static string DirectoryOf(LiveCluster cluster, int index) =>
        Path.Combine(cluster.Topology.DataRoot, string.Create(CultureInfo.InvariantCulture, $"node_{index}"));

    private static string[] TablesOf(LiveCluster cluster, int index) =>
        Directory.GetFiles(Path.Combine(DirectoryOf(cluster, index), "data"), "*.sst");

    /// <summary>One bit in the middle of every table file that holds values, and how many these are.</summary>
    private static int FlipEverywhere(LiveCluster cluster, int index)
    {
        int count = 0;
        foreach (string file in TablesOf(cluster, index))
        {
            long length = new FileInfo(file).Length;
            if (length > ValueBytes)
            {
                Flip(file, length / 2);
                count++;
            }
        }

        return count;
    }

    private static void Flip(string path, long place)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.Position = place;
        int before = file.ReadByte();
        file.Position = place;
        file.WriteByte((byte)(before ^ 32));
    }

    private static async Task<string> HealthAsync(LiveCluster cluster, int index, HttpStatusCode expected)
    {
        using var http = new HttpClient();
        using HttpResponseMessage response = await http.GetAsync(
            $"http://{cluster.Topology.Host}:{cluster.Topology.Replicas[index].HttpPort}/health");
        string body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == expected, body);
        return body;
    }

    private static async Task WaitForLineAsync(LiveCluster cluster, int index, string text)
    {
        long started = Stopwatch.GetTimestamp();
        while (!cluster.Processes.LogTail(index).Any(line => line.Contains(text, StringComparison.Ordinal)))
        {
            Assert.True(
                Stopwatch.GetElapsedTime(started) < Patience,
                $"node-{index} never says '{text}':\n{string.Join('\n', cluster.TailOf(index))}");
            await Task.Delay(50);
        }
    }

    /// <summary>Every value is in every replica's own store, and none says that another has drifted from it.</summary>
    private static async Task CheckAsync(LiveCluster cluster, KvCloudClient client)
    {
        using var http = new HttpClient();
        for (int index = 0; index < cluster.Count; index++)
        {
            await cluster.CatchUpAsync(client, index);
            Assert.Equal(0, await ReadAllAsync(cluster, client, index));
            string metrics = await http.GetStringAsync(
                $"http://{cluster.Topology.Host}:{cluster.Topology.Replicas[index].HttpPort}/metrics");
            Assert.DoesNotMatch("kvcloud_cluster_divergence[^\n]* [1-9]", metrics);
            Assert.Matches("kvcloud_data_state[^\n]* 0", metrics);
        }
    }

    private static byte[] KeyOf(int number) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"value/{number:D6}"));

    /// <summary>Bytes that no compression makes fewer.</summary>
    private static byte[] ValueOf(int number)
    {
        byte[] value = new byte[ValueBytes];
        new Random(number).NextBytes(value);
        return value;
    }
}
