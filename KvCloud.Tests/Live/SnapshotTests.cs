using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using KvCloud.Client;
using KvCloud.Protocol;
using Xunit.Abstractions;

namespace KvCloud.Tests.Live;

/// <summary>
/// A replica that was away for longer than the others keep log for it comes back by a snapshot, with all that was
/// written, whoever is killed meanwhile.
/// </summary>
[Collection(LiveCollection.Name)]
public sealed partial class SnapshotTests(ITestOutputHelper output)
{
    private const int ValueBytes = 256 * 1024;
    private const int Values = 120;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task SnapshotReceiver_below_all_logs_gets_the_data_and_goes_on_from_there()
    {
        await using LiveCluster cluster = await StartAsync(bytesPerSecond: 64 * 1024 * 1024);
        await using KvCloudClient client = cluster.NewClient();
        int away = await StopFollowerAsync(cluster, client);
        await WriteBeyondLogAsync(cluster, client, away);

        long started = Stopwatch.GetTimestamp();
        cluster.Processes.Start(away);
        await WaitForLineAsync(cluster, away, "is in place");
        await client.SetAsync("afterwards"u8.ToArray(), "1"u8.ToArray());
        await cluster.WaitHealthyAsync();
        output.WriteLine($"back after {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s");

        await CheckAsync(cluster, client);
    }

    [Fact]
    public async Task SnapshotReceiver_killed_in_the_middle_keeps_the_files_that_are_whole()
    {
        await using LiveCluster cluster = await StartAsync(bytesPerSecond: 4 * 1024 * 1024);
        await using KvCloudClient client = cluster.NewClient();
        int away = await StopFollowerAsync(cluster, client);
        await WriteBeyondLogAsync(cluster, client, away);
        cluster.Processes.Start(away);
        await WaitForProgressAsync(cluster, away);

        await cluster.Processes.KillAsync(away);
        cluster.Processes.Start(away);
        await WaitForLineAsync(cluster, away, "is in place");
        await cluster.WaitHealthyAsync();

        (long total, long missing) = LastFetch(cluster, away);
        output.WriteLine($"{missing} of {total} bytes were missing after the kill");
        Assert.InRange(missing, 1, total - ValueBytes);
        await CheckAsync(cluster, client);
    }

    [Fact]
    public async Task SnapshotServer_killed_in_the_middle_is_asked_again_or_another()
    {
        await using LiveCluster cluster = await StartAsync(bytesPerSecond: 4 * 1024 * 1024);
        await using KvCloudClient client = cluster.NewClient();
        int away = await StopFollowerAsync(cluster, client);
        await WriteBeyondLogAsync(cluster, client, away);
        cluster.Processes.Start(away);
        int source = await WaitForProgressAsync(cluster, away);

        await cluster.Processes.KillAsync(source);
        cluster.Processes.Start(source);
        await WaitForLineAsync(cluster, away, "is in place");
        await cluster.WaitHealthyAsync();

        await CheckAsync(cluster, client);
    }

    private static Task<LiveCluster> StartAsync(long bytesPerSecond) => LiveCluster.StartAsync(environment: _ =>
    [
        new("KvCloud__Snapshots__LogRetentionBytes", "0"),
        new(
            "KvCloud__Snapshots__MaxBytesPerSecond",
            bytesPerSecond.ToString(CultureInfo.InvariantCulture)),
        new("KvCloud__Rocksdb__WriteBufferSizeMb", "4"),
    ]);

    private static async Task<int> StopFollowerAsync(LiveCluster cluster, KvCloudClient client)
    {
        int leader = await cluster.LeaderAsync(client);
        int away = (leader + 1) % cluster.Count;
        await cluster.Processes.StopAsync(away);
        return away;
    }

    /// <summary>Writes, and waits until no log holds any more what the replica that is away needs next.</summary>
    private static async Task WriteBeyondLogAsync(LiveCluster cluster, KvCloudClient client, int away)
    {
        for (int i = 0; i < Values; i++)
        {
            await client.SetAsync(KeyOf(i), ValueOf(i));
        }

        long started = Stopwatch.GetTimestamp();
        foreach (int index in Enumerable.Range(0, cluster.Count).Where(index => index != away))
        {
            string log = Path.Combine(cluster.Topology.DataRoot, $"node_{index}", "log");
            while (File.Exists(Path.Combine(log, "0000000001.log")))
            {
                Assert.True(Stopwatch.GetElapsedTime(started) < Patience, $"node-{index} has not trimmed its log");
                await Task.Delay(100);
            }
        }
    }

    /// <summary>Waits until some files of a snapshot have come, and says who sends it.</summary>
    private static async Task<int> WaitForProgressAsync(LiveCluster cluster, int index)
    {
        using var http = new HttpClient();
        string url = $"http://{cluster.Topology.Host}:{cluster.Topology.Replicas[index].HttpPort}/status";
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            Assert.True(
                Stopwatch.GetElapsedTime(started) < Patience,
                $"no snapshot is fetched:\n{string.Join('\n', cluster.TailOf(index))}");
            try
            {
                using var status = JsonDocument.Parse(await http.GetStringAsync(url));
                if (status.RootElement.TryGetProperty("snapshot", out JsonElement snapshot)
                    && snapshot.GetProperty("done_bytes").GetInt64() > 10_000_000)
                {
                    return snapshot.GetProperty("from").GetInt32();
                }
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }

            await Task.Delay(20);
        }
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

    private static (long Total, long Missing) LastFetch(LiveCluster cluster, int index)
    {
        Match fetch = cluster.Processes.LogTail(index).Select(line => FetchLine().Match(line))
            .Last(match => match.Success);
        return (
            long.Parse(fetch.Groups["total"].Value, CultureInfo.InvariantCulture),
            long.Parse(fetch.Groups["missing"].Value, CultureInfo.InvariantCulture));
    }

    /// <summary>Every value is in every replica's own store, and none says that another has drifted from it.</summary>
    private static async Task CheckAsync(LiveCluster cluster, KvCloudClient client)
    {
        using var http = new HttpClient();
        for (int index = 0; index < cluster.Count; index++)
        {
            await cluster.CatchUpAsync(client, index);
            var options = new KvReadOptions
            {
                Consistency = ReadConsistency.LOCAL,
                Endpoint = cluster.Endpoints[index],
            };
            for (int i = 0; i < Values; i++)
            {
                Assert.Equal(ValueOf(i), await client.GetAsync(KeyOf(i), options));
            }

            string metrics = await http.GetStringAsync(
                $"http://{cluster.Topology.Host}:{cluster.Topology.Replicas[index].HttpPort}/metrics");
            Assert.DoesNotMatch("kvcloud_cluster_divergence[^\n]* [1-9]", metrics);
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

    [GeneratedRegex(@"fetches a snapshot of .* files, (?<total>\d+) bytes, of which (?<missing>\d+) are missing")]
    private static partial Regex FetchLine();
}
