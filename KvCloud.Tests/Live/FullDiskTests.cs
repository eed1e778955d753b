using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Protocol;
using KvCloud.Tests.Live.Lifecycle;
using Xunit.Abstractions;

namespace KvCloud.Tests.Live;

/// <summary>
/// A real disk on which there is nothing left from one moment to the next: the log, RocksDB and all else get ENOSPC
/// before anybody could have looked at the free space.
/// </summary>
[Collection(LiveCollection.Name)]
public sealed class FullDiskTests(ITestOutputHelper output)
{
    private const int DiskMb = 512;
    private const int DiskFailedExitCode = 4;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [SmallDiskTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Replica_whose_disk_has_no_byte_left_stops_nobody_and_loses_nothing(bool leads)
    {
        string path = Directory.CreateTempSubdirectory("kvcloud-full-").FullName;
        SmallDisk? disk = null;
        try
        {
            await using GrowingCluster cluster = await GrowingCluster.StartAsync(new GrowingClusterOptions
            {
                Members = 3,
                Numbers = 3,
                DataRoot = path,
                Environment = _ => [new("KvCloud__Rocksdb__WriteBufferSizeMb", "1")],
            });
            await using var load = new KeptLoad(
                cluster.Members.Select(cluster.ClientEndpointOf),
                new KeptLoadOptions
                {
                    Writers = 8,
                    Readers = 2,
                    ValueBytes = 4096,
                    Pace = TimeSpan.FromMilliseconds(5),
                },
                seed: 1);
            await load.NextAcknowledgedAsync(Patience);
            int leader = await cluster.LeaderAsync(Patience);
            int node = leads ? leader : (leader + 1) % 3;
            await cluster.Processes.StopAsync(node);
            disk = SmallDisk.Mount(cluster.DirectoryOf(node), DiskMb);
            cluster.Start(node);
            await cluster.WaitHealthyAsync(Patience);
            if (leads)
            {
                await cluster.ChangeAsync(
                    new KvMemberChange { Kind = MemberChangeKind.TRANSFER_LEADERSHIP, NodeId = node }, Patience);
            }

            disk.Fill(0);
            for (int i = 0; i < 10; i++)
            {
                await Task.Delay(500);
                disk.Fill(0);
                await load.NextAcknowledgedAsync(Patience);
            }

            NodeProcess process = cluster.Processes.Nodes[node];
            output.WriteLine($"node-{node} is {process.State}, exit code {process.LastExitCode}");
            disk.MakeRoom();
            try
            {
                await cluster.WaitHealthyAsync(Patience);
            }
            catch (ReplicaDownException) when (process.LastExitCode == DiskFailedExitCode)
            {
                // It may also end now, by a write that failed while there was no room.
                cluster.Start(node);
                await cluster.WaitHealthyAsync(Patience);
            }

            await load.StopAsync();
            output.WriteLine($"{load.Writes.Total} acknowledged writes");
            foreach (int member in cluster.Members)
            {
                (int lost, IReadOnlyList<string> examples) = await load.FindLostAsync(cluster.ClientEndpointOf(member));
                Assert.True(lost == 0, $"node-{member} lost {lost}: {string.Join("; ", examples)}");
            }

            Assert.DoesNotContain(cluster.Alarms, line => line.Contains("STATE DIVERGED", StringComparison.Ordinal));
        }
        finally
        {
            disk?.Dispose();
            Directory.Delete(path, recursive: true);
        }
    }
}
