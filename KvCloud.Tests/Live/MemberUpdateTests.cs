using System.Globalization;
using KvCloud.Client;
using KvCloud.Tests.Live.Lifecycle;

namespace KvCloud.Tests.Live;

/// <summary>A replica moves to other ports, and the group is told by `kv member update`.</summary>
[Collection(LiveCollection.Name)]
public sealed class MemberUpdateTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Update_member_that_moved_is_found_by_the_others_and_by_clients()
    {
        string path = Directory.CreateTempSubdirectory("kvcloud-move-").FullName;
        try
        {
            await using GrowingCluster cluster = await GrowingCluster.StartAsync(
                new GrowingClusterOptions { Members = 3, Numbers = 3, DataRoot = path });
            string[] endpoints = [.. cluster.Members.Select(cluster.ClientEndpointOf)];
            await using var load = new KeptLoad(
                endpoints,
                new KeptLoadOptions { Writers = 4, Readers = 2, Pace = TimeSpan.FromMilliseconds(10) },
                seed: 1);
            await load.NextAcknowledgedAsync(Patience);
            int moved = await cluster.LeaderAsync(Patience);

            await cluster.Processes.StopAsync(moved);
            KvMemberChange change = cluster.Move(moved);
            string[] others = [.. endpoints.Where((_, index) => index != moved)];
            (int code, _, string told) = await KvProcess.RunAsync(
                "member", "update", moved.ToString(CultureInfo.InvariantCulture), "--peer", change.PeerEndpoint!,
                "--client", change.ClientEndpoint!, "--endpoints", string.Join(',', others));
            Assert.True(code == 0, told);
            cluster.Start(moved);
            await cluster.WaitHealthyAsync(Patience);

            // Another is down now: without the one that moved there is no quorum.
            await cluster.Processes.StopAsync((moved + 1) % 3);
            await load.NextAcknowledgedAsync(Patience);
            cluster.Start((moved + 1) % 3);
            await cluster.WaitHealthyAsync(Patience);
            await load.StopAsync();

            KvClusterHealth health = await cluster.Admin.GetClusterHealthAsync();
            KvNodeStatus status = Assert.Single(health.Nodes, node => node.Id == moved);
            Assert.Equal(
                (change.PeerEndpoint, change.ClientEndpoint), (status.PeerEndpoint, status.Endpoint));
            foreach (int node in cluster.Members)
            {
                Assert.Equal(0, (await load.FindLostAsync(cluster.ClientEndpointOf(node))).Lost);
            }

            Assert.Empty(load.Violations);
        }
        finally
        {
            Directory.Delete(path, recursive: true);
        }
    }
}
