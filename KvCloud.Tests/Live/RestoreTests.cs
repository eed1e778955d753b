using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Node.Configuration;
using KvCloud.Protocol;

namespace KvCloud.Tests.Live;

/// <summary>A backup of a group under load, restored at a version into three fresh replicas.</summary>
[Collection(LiveCollection.Name)]
public sealed class RestoreTests
{
    private const string NewCluster = "restored";
    private const int Writers = 4;

    private readonly ConcurrentDictionary<string, long> _acknowledged = new();

    /// <summary>
    /// etcd-io/etcd#16028 with it: no version of the restored group is one that the old group has ever answered.
    /// </summary>
    [Fact]
    public async Task Restore_at_a_version_has_every_acknowledged_write_up_to_it_and_none_after()
    {
        await using LiveCluster source = await LiveCluster.StartAsync();
        await using KvCloudClient client = source.NewClient();
        int follower = (await source.LeaderAsync(client) + 1) % source.Count;
        using var puller = new BackupPuller(client, source.Endpoints[follower]);
        long told = await BackUpUnderLoadAsync(source, client, puller);
        long[] versions = [.. _acknowledged.Values.Order()];
        long begin = puller.Snapshot!.Version;
        long until = versions.First(version => version > begin + ((versions[^1] - begin) / 2));
        Assert.True(until < versions[^1], "the load went on beyond the point");

        string root = Directory.CreateTempSubdirectory("kvcloud-restored-").FullName;
        JsonElement result = await RestoreAsync(puller, root, until);
        await using LiveCluster restored = await LiveCluster.StartAsync(dataRoot: root, clusterId: NewCluster);
        Assert.Equal(until, result.GetProperty("version").GetInt64());
        long first = result.GetProperty("first_version").GetInt64();
        Assert.True(first > versions[^1]);

        await CheckAsync(restored, until, first);
        Assert.True(told < first);
    }

    [Fact]
    public async Task Restore_that_verifies_counts_every_row_and_leaves_nothing()
    {
        await using LiveCluster source = await LiveCluster.StartAsync(replicas: 1);
        await using KvCloudClient client = source.NewClient();
        using var puller = new BackupPuller(client, source.Endpoints[0]);
        for (int i = 0; i < 50; i++)
        {
            await client.SetAsync(Encoding.UTF8.GetBytes($"k{i}"), "1"u8.ToArray());
        }

        await puller.PullSnapshotAsync();
        await client.SetAsync("k7"u8.ToArray(), "2"u8.ToArray());
        await puller.PullLogAsync((await puller.Source.ReadLogAsync(1_000_000)).AppliedSlot);
        string target = puller.Staging + "-target";

        NodeVerb verified = await NodeVerb.RunAsync([.. Arguments(puller, target), "--verify"]);

        Assert.True(verified.ExitCode == ExitCodes.Clean, verified.Error);
        JsonElement rows = verified.Last.GetProperty("rows");
        Assert.Equal("verified", verified.Last.GetProperty("stage").GetString());
        Assert.Equal(50, rows.GetProperty("keys").GetInt64());
        Assert.Equal(51, rows.GetProperty("versions").GetInt64());
        Assert.False(Directory.Exists(target));

        File.WriteAllBytes(Path.Combine(puller.Staging, "log", "99.log"), [1, 2, 3]);
        NodeVerb damaged = await NodeVerb.RunAsync(Arguments(puller, target));
        Assert.Equal(ExitCodes.Fatal, damaged.ExitCode);
        Assert.Contains("99.log is damaged", damaged.Error, StringComparison.Ordinal);
        NodeVerb mistaken = await NodeVerb.RunAsync("restore", "--nodes", "1,x", "--unknown");
        Assert.Equal(ExitCodes.Configuration, mistaken.ExitCode);
        Assert.Contains("--unknown", mistaken.Error, StringComparison.Ordinal);
        Assert.Contains("--source-cluster-id is missing", mistaken.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(target));
    }

    /// <summary>Writers go on beside the backup; gives the last version that the group told.</summary>
    private async Task<long> BackUpUnderLoadAsync(LiveCluster source, KvCloudClient client, BackupPuller puller)
    {
        using var stop = new CancellationTokenSource();
        Task[] writing = [.. Enumerable.Range(0, Writers).Select(writer => WriteAsync(client, writer, stop.Token))];
        await WaitForWritesAsync(200);
        await puller.PullSnapshotAsync();
        await WaitForWritesAsync(_acknowledged.Count + 400);
        await stop.CancelAsync();
        await Task.WhenAll(writing);
        long last = await client.GetReadVersionAsync();
        await source.CatchUpAsync(client, puller.Snapshot!.NodeId);
        await puller.PullLogAsync((await puller.Source.ReadLogAsync(puller.Snapshot.Slot + 1)).AppliedSlot);
        return last;
    }

    private async Task WriteAsync(KvCloudClient client, int writer, CancellationToken stop)
    {
        for (int i = 0; !stop.IsCancellationRequested; i++)
        {
            string key = string.Create(CultureInfo.InvariantCulture, $"{writer}/{i}");
            _acknowledged[key] = await client.SetAsync(
                Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(key), cancellationToken: CancellationToken.None);
        }
    }

    private async Task WaitForWritesAsync(int count)
    {
        while (_acknowledged.Count < count)
        {
            await Task.Delay(10);
        }
    }

    private static async Task<JsonElement> RestoreAsync(BackupPuller puller, string root, long until)
    {
        NodeVerb restore = await NodeVerb.RunAsync(
        [
            .. Arguments(puller, root), "--until-version", until.ToString(CultureInfo.InvariantCulture),
        ]);
        Assert.True(restore.ExitCode == ExitCodes.Clean, restore.Error);
        Assert.Equal("restored", restore.Last.GetProperty("stage").GetString());
        return restore.Last;
    }

    private static string[] Arguments(BackupPuller puller, string target) =>
    [
        "restore", "--staging", puller.Staging, "--source-cluster-id", Topology.DefaultClusterId, "--target", target,
        "--nodes", "0,1,2", "--cluster-id", NewCluster,
    ];

    private async Task CheckAsync(LiveCluster restored, long until, long first)
    {
        await using KvCloudClient client = restored.NewClient();
        long version = await client.SetAsync("new"u8.ToArray(), "1"u8.ToArray());
        Assert.True(version > first, $"version {version} is not above {first}");
        for (int index = 0; index < restored.Count; index++)
        {
            await restored.CatchUpAsync(client, index);
            var options = new KvReadOptions
            {
                Consistency = ReadConsistency.LOCAL,
                Endpoint = restored.Endpoints[index],
            };
            foreach ((string key, long written) in _acknowledged)
            {
                byte[]? value = await client.GetAsync(Encoding.UTF8.GetBytes(key), options);
                Assert.Equal(written <= until ? key : null, value is null ? null : Encoding.UTF8.GetString(value));
            }

            KvCloudException tooOld = await Assert.ThrowsAsync<KvCloudException>(async () =>
                await client.GetAsync("0/0"u8.ToArray(), options with { AtVersion = until }));
            Assert.Equal(ErrorCode.VERSION_TOO_OLD, tooOld.ErrorCode);
        }
    }
}
