using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using KvCloud.Client;
using KvCloud.Node.Operations;
using KvCloud.Protocol;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Live;

/// <summary>
/// Opens what three replicas of a former release left on their disks (eng/make-release-fixture): one of them ended as
/// it should, two were killed.
/// </summary>
[Collection(LiveCollection.Name)]
public sealed class FormerDataTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("before-levels")]
    public async Task Cluster_on_the_data_of_a_former_release_has_all_of_it_and_goes_on(string fixture)
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(
            environment: _ =>
                [KeyValuePair.Create<string, string?>("KvCloud__Deployment__FeatureLevelDelayMs", "0")],
            dataRoot: Unpack(fixture),
            clusterId: "release");
        await using KvCloudClient client = cluster.NewClient();
        for (int index = 0; index < 3; index++)
        {
            await CheckAsync(cluster, client, index);
        }

        await client.SetAsync("key/001"u8.ToArray(), "third"u8.ToArray());
        await client.SetAsync(
            "bob"u8.ToArray(), "2"u8.ToArray(), new KvWriteOptions { ColumnFamily = "users" });
        await RisenAsync(cluster, client);
        await client.SetAsync("key/002"u8.ToArray(), "risen"u8.ToArray());

        // The logs and the stores are of this release now, and open again.
        await cluster.Processes.KillAllAsync();
        for (int index = 0; index < 3; index++)
        {
            cluster.Processes.Start(index);
        }

        await cluster.WaitHealthyAsync();
        Assert.Equal("third", await ReadAsync(cluster, client, 2, "key/001"));
        Assert.Equal("risen", await ReadAsync(cluster, client, 0, "key/002"));
        Assert.Equal("first 99", await ReadAsync(cluster, client, 1, "key/099"));
        Assert.Equal("2", await ReadAsync(cluster, client, 1, "bob", "users"));
    }

    private static string Unpack(string fixture)
    {
        string folder = Directory.CreateTempSubdirectory("kvcloud-live-").FullName;
        using FileStream file = File.OpenRead(Repository.File("KvCloud.Tests", "Fixtures", $"{fixture}.tar.gz"));
        using var unpacked = new GZipStream(file, CompressionMode.Decompress);
        TarFile.ExtractToDirectory(unpacked, folder, overwriteFiles: true);
        return folder;
    }

    private static async Task CheckAsync(LiveCluster cluster, KvCloudClient client, int index)
    {
        Assert.Equal("second", await ReadAsync(cluster, client, index, "key/001"));
        Assert.Equal("transaction", await ReadAsync(cluster, client, index, "key/004"));
        Assert.Equal("last", await ReadAsync(cluster, client, index, "key/100"));
        Assert.Equal("1", await ReadAsync(cluster, client, index, "after-the-stop"));
        foreach (string deleted in (string[])["key/002", "key/003", "key/005"])
        {
            Assert.Null(await ReadAsync(cluster, client, index, deleted));
        }

        for (int number = 6; number < 100; number++)
        {
            Assert.Equal($"first {number}", await ReadAsync(cluster, client, index, $"key/{number:D3}"));
        }

        Assert.Equal("1", await ReadAsync(cluster, client, index, "alice", "users"));
        KvCloudException dropped = await Assert.ThrowsAsync<KvCloudException>(
            () => ReadAsync(cluster, client, index, "nobody", "gone"));
        Assert.Equal(ErrorCode.COLUMN_FAMILY_NOT_FOUND, dropped.ErrorCode);
    }

    private static async Task<string?> ReadAsync(
        LiveCluster cluster, KvCloudClient client, int index, string key, string? columnFamily = null)
    {
        byte[]? value = await client.GetAsync(
            Encoding.UTF8.GetBytes(key),
            new KvReadOptions
            {
                Consistency = ReadConsistency.READ_INDEX,
                Endpoint = cluster.Endpoints[index],
                ColumnFamily = columnFamily,
            });
        return value is null ? null : Encoding.UTF8.GetString(value);
    }

    private static async Task RisenAsync(LiveCluster cluster, KvCloudClient client)
    {
        long deadline = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        for (int index = 0; index < 3; index++)
        {
            KvClusterHealth health;
            do
            {
                health = await client.GetClusterHealthAsync(
                    new KvReadOptions { Endpoint = cluster.Endpoints[index] });
                await Task.Delay(50);
            }
            while (health.FeatureLevel != FeatureLevels.Newest && Environment.TickCount64 < deadline);

            Assert.Equal(FeatureLevels.Newest, health.FeatureLevel);
        }
    }
}
