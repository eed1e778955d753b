using System.Globalization;
using System.Text.Json;
using KvCloud.Backup.Catalog;
using KvCloud.Backup.Stores;
using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Protocol;
using KvCloud.Tests.Backup;
using KvCloud.Tests.Support;
using Xunit.Abstractions;

namespace KvCloud.Tests.Live;

/// <summary>`kv backup` against real replicas under load, and clusters made of what it archived.</summary>
[Collection(LiveCollection.Name)]
public sealed class BackupCommandTests(ITestOutputHelper output) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kvcloud-backup-test-").FullName;

    private string Archive => Path.Combine(_folder, "archive");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [UnixFact]
    public async Task BackupCreateCommand_whose_replica_is_killed_goes_on_and_any_version_becomes_a_cluster()
    {
        await using LiveCluster cluster = await StartAsync();
        await using KvCloudClient client = cluster.NewClient(settings => settings.Timeout = TimeSpan.FromSeconds(30));
        await using var writes = new RecordedWrites(client, writers: 3, valueBytes: 4_000);
        int source = (await cluster.LeaderAsync(client) + 1) % cluster.Count;
        await using var backup = new KvProcess(
            output.WriteLine, "backup", "create", "--to", Archive, "--endpoints", string.Join(',', cluster.Endpoints),
            "--from", cluster.Endpoints[source], "--continuous", "--ship-every", "200ms", "--snapshot-every", "4s");
        await backup.UntilAsync(() => backup.Printed.Contains("is complete", StringComparison.Ordinal), "a snapshot");
        await cluster.Processes.KillAsync(source);
        long killed = writes.Version;
        await UntilArchivedAsync(backup, killed + 20);
        long wanted = writes.Version;
        cluster.Processes.Start(source);
        await cluster.WaitHealthyAsync();
        await UntilArchivedAsync(backup, wanted + 20);
        await writes.StopAsync();
        Assert.Equal(0, await backup.StopAsync());

        ArchiveCatalog catalog = await CatalogAsync();
        Assert.True(Assert.Single(catalog.Ranges).To.Version > wanted);
        (int verified, string printed, string told) = await KvProcess.RunAsync("backup", "verify", "--from", Archive);
        Assert.True(verified == 0, told);
        output.WriteLine(printed);
        foreach (int replicas in (int[])[3, 5])
        {
            await CheckRestoredAsync(writes, wanted, replicas);
        }
    }

    [UnixFact]
    public async Task BackupCreateCommand_killed_in_the_middle_is_continued_by_the_next()
    {
        await using LiveCluster cluster = await StartAsync();
        await using KvCloudClient client = cluster.NewClient();
        await using var writes = new RecordedWrites(client, writers: 4, valueBytes: 100_000);
        while (writes.Acknowledged.Count < 200)
        {
            await Task.Delay(50);
        }

        await writes.StopAsync();
        string endpoints = string.Join(',', cluster.Endpoints);
        await using (var killed = new KvProcess(
            output.WriteLine, "backup", "create", "--to", Archive, "--endpoints", endpoints, "--max-rate", "4",
            "--from", cluster.Endpoints[0]))
        {
            string files = Path.Combine(Archive, "files");
            await killed.UntilAsync(
                () => Directory.Exists(files) && Directory.GetFiles(files).Sum(path => new FileInfo(path).Length) > 1e6,
                "some files");
            await killed.KillAsync();
        }

        Assert.Empty((await CatalogAsync()).Snapshots);
        (int code, string printed, string told) = await KvProcess.RunAsync(
            "backup", "create", "--to", Archive, "--endpoints", endpoints, "--from", cluster.Endpoints[0], "--json");
        output.WriteLine(told);
        Assert.True(code == 0, told);
        using var report = JsonDocument.Parse(printed);
        Assert.True(report.RootElement.GetProperty("shared_bytes").GetInt64() > 1_000_000, printed);
        await CheckRestoredAsync(writes, writes.Version, replicas: 1);
    }

    [FactNeeds(S3Server.Program)]
    public async Task BackupCreateCommand_into_a_bucket_is_listed_verified_and_restored_from_there()
    {
        await using S3Server server = await S3Server.StartAsync();
        await using LiveCluster cluster = await StartAsync();
        await using KvCloudClient client = cluster.NewClient();
        await using var writes = new RecordedWrites(client, writers: 2, valueBytes: 50_000);
        while (writes.Acknowledged.Count < 100)
        {
            await Task.Delay(20);
        }

        string url = server.Url("cluster-a");
        string endpoints = string.Join(',', cluster.Endpoints);
        (int created, string printed, string told) = await KvProcess.RunAsync(
            "backup", "create", "--to", url, "--endpoints", endpoints);
        Assert.True(created == 0, told);
        await writes.StopAsync();
        (created, _, told) = await KvProcess.RunAsync("backup", "create", "--to", url, "--endpoints", endpoints);
        Assert.True(created == 0, told);
        (int listed, string list, _) = await KvProcess.RunAsync("backup", "list", "--from", url);
        output.WriteLine(printed + list);
        Assert.Equal(0, listed);
        (int verified, _, string problems) = await KvProcess.RunAsync("backup", "verify", "--from", url);
        Assert.True(verified == 0, problems);
        await CheckRestoredAsync(writes, writes.Version, replicas: 3, url);
    }

    private static Task<LiveCluster> StartAsync() => LiveCluster.StartAsync(
        environment: _ => [new("KvCloud__Rocksdb__WriteBufferSizeMb", "4")]);

    private async Task<ArchiveCatalog> CatalogAsync()
    {
        using IArchiveStore store = ArchiveAddress.Open(Archive);
        return await ArchiveCatalog.LoadAsync(store, CancellationToken.None);
    }

    private async Task UntilArchivedAsync(KvProcess backup, long version)
    {
        while ((await CatalogAsync()).Ranges is not [.., var last] || last.To.Version < version)
        {
            await backup.UntilAsync(() => true, "the archive");
            await Task.Delay(200);
        }
    }

    private async Task CheckRestoredAsync(RecordedWrites writes, long version, int replicas, string? from = null)
    {
        string root = Path.Combine(
            _folder, string.Create(CultureInfo.InvariantCulture, $"restored-{replicas}-{Guid.NewGuid():n}"));
        string clusterId = $"restored-{replicas}";
        (int code, string printed, string told) = await KvProcess.RunAsync(
            "backup", "restore", "--from", from ?? Archive, "--to", root, "--cluster-id", clusterId,
            "--nodes", string.Join(',', Enumerable.Range(0, replicas)), "--json",
            "--at-version", version.ToString(CultureInfo.InvariantCulture));
        output.WriteLine(told + printed);
        Assert.True(code == 0, told);
        using var made = JsonDocument.Parse(printed);
        long first = made.RootElement.GetProperty("first_version").GetInt64();

        await using LiveCluster restored = await LiveCluster.StartAsync(
            replicas, dataRoot: root, clusterId: clusterId);
        await using KvCloudClient client = restored.NewClient();
        for (int index = 0; index < replicas; index++)
        {
            await restored.CatchUpAsync(client, index);
            await writes.CheckAsync(client, version, new KvReadOptions
            {
                Consistency = ReadConsistency.LOCAL,
                Endpoint = restored.Endpoints[index],
            });
        }

        // Whoever saw a version of the old cluster takes none of the new one for it.
        long next = await client.SetAsync("after"u8.ToArray(), "1"u8.ToArray());
        Assert.True(next > first && first > writes.Version, $"{next}, {first}, {writes.Version}");
    }
}
