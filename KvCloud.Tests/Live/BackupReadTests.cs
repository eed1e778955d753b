using KvCloud.Client;
using KvCloud.Client.Backup;
using KvCloud.Protocol;

namespace KvCloud.Tests.Live;

/// <summary>The calls that a backup is made of, against real replicas.</summary>
[Collection(LiveCollection.Name)]
public sealed class BackupReadTests
{
    [Fact]
    public async Task OpenSnapshot_and_ReadLog_of_every_replica_while_others_write()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await using KvCloudClient client = cluster.NewClient();
        using var stop = new CancellationTokenSource();
        Task writing = WriteAsync(client, stop.Token);
        foreach (string endpoint in cluster.Endpoints)
        {
            using var puller = new BackupPuller(client, endpoint);
            await puller.PullSnapshotAsync();
            SourceLog seen = await puller.Source.ReadLogAsync(puller.Snapshot!.Slot + 1, waitMs: 5_000);
            await puller.PullLogAsync(seen.AppliedSlot + 20);

            Assert.NotEmpty(puller.Snapshot.Files);
            Assert.Equal(seen.ClusterId, puller.Snapshot.ClusterId);
            Assert.Equal(cluster.Endpoints.ToList().IndexOf(endpoint), puller.Snapshot.NodeId);
            Assert.True(puller.Blocks[^1].AppliedVersion > puller.Snapshot.Version);
            Assert.True(puller.Blocks[^1].Block!.LastUnixMs >= puller.Snapshot.UnixMs);
        }

        await stop.CancelAsync();
        await writing;
    }

    [Fact]
    public async Task ReadSnapshot_and_ReadLog_of_what_is_not_there_or_not_allowed_say_so()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(replicas: 1);
        await using KvCloudClient client = cluster.NewClient();
        await client.SetAsync("a"u8.ToArray(), "1"u8.ToArray());
        BackupSource source = client.BackupFrom(cluster.Endpoints[0]);

        await RefusesAsync(ErrorCode.SNAPSHOT_GONE, async () => await source.ReadSnapshotAsync(12, 0, 0, 10));
        await RefusesAsync(
            ErrorCode.INVALID_ARGUMENT,
            async () => await source.ReadSnapshotAsync(12, 0, 0, BackupSource.MaxPieceBytes + 1));
        await RefusesAsync(ErrorCode.INVALID_ARGUMENT, async () => await source.ReadLogAsync(0));
        await RefusesAsync(
            ErrorCode.INVALID_ARGUMENT,
            async () => await source.ReadLogAsync(1, waitMs: BackupSource.MaxWaitMs + 1));

        SourceLog all = await source.ReadLogAsync(1);
        SourceLog none = await source.ReadLogAsync(all.AppliedSlot + 1_000, waitMs: 50);
        Assert.NotNull(all.Block);
        Assert.Null(none.Block);
    }

    /// <summary>A read that waits for slots does not keep a node from ending.</summary>
    [Fact]
    public async Task ReadLog_that_waits_is_answered_when_the_node_drains()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(replicas: 1);
        await using KvCloudClient client = cluster.NewClient();
        BackupSource source = client.BackupFrom(cluster.Endpoints[0]);
        long applied = (await source.ReadLogAsync(1)).AppliedSlot;
        long started = System.Diagnostics.Stopwatch.GetTimestamp();
        Task<SourceLog> waiting = source.ReadLogAsync(applied + 1_000, waitMs: BackupSource.MaxWaitMs).AsTask();
        await Task.Delay(200);
        await cluster.Processes.StopAsync(0);

        Assert.Null((await waiting).Block);
        Assert.InRange(System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalSeconds, 0, 20);
    }

    private static async Task RefusesAsync(ErrorCode code, Func<Task> call) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<KvCloudException>(call)).ErrorCode);

    private static async Task WriteAsync(KvCloudClient client, CancellationToken stop)
    {
        for (int i = 0; !stop.IsCancellationRequested; i++)
        {
            await client.SetAsync(BitConverter.GetBytes(i % 1_000), new byte[200], cancellationToken: default);
        }
    }
}
