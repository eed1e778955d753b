using KvCloud.LocalCluster;
using KvCloud.Tests.Live.Lifecycle;
using Xunit.Abstractions;

namespace KvCloud.Tests.Live.PowerCut;

/// <summary>A follower whose disk is slow and does not stall, as the writers of the group notice it.</summary>
[Collection(LiveCollection.Name)]
public sealed class SlowDiskTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan GoodSync = TimeSpan.FromMicroseconds(300);
    private static readonly TimeSpan SlowSync = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(5);

    [PowerCutFact]
    public async Task SetKey_beside_a_follower_whose_syncs_are_slow_goes_on_as_fast()
    {
        string path = Directory.CreateTempSubdirectory("kvcloud-slow-").FullName;
        try
        {
            LossyDisk[] disks =
                [.. Enumerable.Range(0, 3).Select(index => new LossyDisk(Path.Combine(path, $"disk_{index}")))];
            TimeSpan[] syncs = [GoodSync, GoodSync, GoodSync];
            await using GrowingCluster cluster = await GrowingCluster.StartAsync(new GrowingClusterOptions
            {
                Members = 3,
                Numbers = 3,
                DataRoot = path,
                Environment = index =>
                [
                    new(NodeEnvironment.BasePath, disks[index].Root),
                    new("DOTNET_EnableDiagnostics", "0"),
                    .. disks[index].Environment(syncs[index]),
                ],
            });
            await using var load = new KeptLoad(
                cluster.Members.Select(cluster.ClientEndpointOf),
                new KeptLoadOptions { Writers = 16, Readers = 0, Pace = TimeSpan.Zero },
                seed: 1);
            await load.NextAcknowledgedAsync(Patience);
            int follower = (await cluster.LeaderAsync(Patience) + 1) % 3;
            await Task.Delay(Window);
            CallFigures good = await MeasureAsync(load);

            syncs[follower] = SlowSync;
            await cluster.Processes.StopAsync(follower);
            cluster.Start(follower);
            await cluster.WaitHealthyAsync(Patience);
            int leader = await cluster.LeaderAsync(Patience);
            CallFigures slow = await MeasureAsync(load);

            output.WriteLine(
                $"writes in {Window.TotalSeconds} s: {good.Count} (p99 {good.P99.TotalMilliseconds:0} ms), beside"
                + $" a slow disk {slow.Count} (p99 {slow.P99.TotalMilliseconds:0} ms)");
            Assert.NotEqual(follower, leader);
            Assert.True(slow.Count * 2 > good.Count, $"{slow.Count} writes beside a slow disk, {good.Count} without");
            Assert.True(slow.P50 < SlowSync, $"half of the writes took {slow.P50.TotalMilliseconds} ms or more");
        }
        finally
        {
            Directory.Delete(path, recursive: true);
        }
    }

    private static async Task<CallFigures> MeasureAsync(KeptLoad load)
    {
        load.Writes.Take();
        await Task.Delay(Window);
        return load.Writes.Take();
    }
}
