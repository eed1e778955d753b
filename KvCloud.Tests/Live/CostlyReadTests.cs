using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using KvCloud.Client;
using KvCloud.Protocol;
using KvCloud.Tests.Node.Rpc;
using Xunit.Abstractions;

namespace KvCloud.Tests.Live;

/// <summary>Clients that ask for much must not keep the others from writing, nor the leader from leading.</summary>
[Collection(LiveCollection.Name)]
public sealed class CostlyReadTests(ITestOutputHelper output)
{
    private const int Keys = 200_000;
    private const int Connections = 12;
    private const int RangesPerConnection = 600;
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(8);

    /// <summary>Far more than a put takes, far less than what the ranges would take together.</summary>
    private static readonly TimeSpan LongestPut = TimeSpan.FromSeconds(3);

    [Fact]
    public async Task SetKey_beside_pipelined_costly_ranges_goes_on_under_the_same_leader()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await using KvCloudClient client = cluster.NewClient();
        await FillAsync(client);
        int leader = await cluster.LeaderAsync(client);
        long term = (await client.GetClusterHealthAsync()).Term;

        List<TcpClient> attackers = [];
        for (int i = 0; i < Connections; i++)
        {
            attackers.Add(Attack(cluster.Endpoints[leader], i));
        }

        (int during, TimeSpan slowestDuring) = await PutAsync(client);
        attackers.ForEach(attacker => attacker.Dispose());
        (int after, TimeSpan slowestAfter) = await PutAsync(client);
        long termAfter = (await client.GetClusterHealthAsync()).Term;

        output.WriteLine($"during: {during} puts, slowest {slowestDuring.TotalMilliseconds:F0} ms");
        output.WriteLine($"after: {after} puts, slowest {slowestAfter.TotalMilliseconds:F0} ms");
        output.WriteLine($"term {term}, then {termAfter}");
        Assert.InRange(slowestDuring, TimeSpan.Zero, LongestPut);
        Assert.InRange(slowestAfter, TimeSpan.Zero, LongestPut);
        Assert.Equal(term, termAfter);
    }

    private static async Task FillAsync(KvCloudClient client)
    {
        const int keysPerCommit = 10_000;
        for (int first = 0; first < Keys; first += keysPerCommit)
        {
            int begin = first;
            await client.RunAsync(transaction =>
            {
                for (int i = begin; i < begin + keysPerCommit; i++)
                {
                    transaction.Set(Encoding.UTF8.GetBytes($"key-{i:D8}"), "value"u8.ToArray());
                }

                return Task.CompletedTask;
            });
        }
    }

    /// <summary>A lone write, and behind it what takes long.</summary>
    private static TcpClient Attack(string endpoint, int number)
    {
        var request = new MemoryStream();
        request.Write(RawClient.Message("setKey", 0, new SetRequest(Encoding.UTF8.GetBytes($"attack-{number}"), [1])));
        for (int i = 1; i <= RangesPerConnection; i++)
        {
            request.Write(RawClient.Message(
                "getRange", i, new GetRangeRequest { BeginOffset = Keys - 1, Limit = 1, EndKey = [0xff] }));
        }

        var address = IPEndPoint.Parse(endpoint.Replace("localhost", "127.0.0.1", StringComparison.Ordinal));
        var socket = new TcpClient { NoDelay = true };
        socket.Connect(address);
        socket.GetStream().Write(request.ToArray());
        return socket;
    }

    private static async Task<(int Puts, TimeSpan Slowest)> PutAsync(KvCloudClient client)
    {
        TimeSpan slowest = TimeSpan.Zero;
        int puts = 0;
        for (var total = Stopwatch.StartNew(); total.Elapsed < Measured;)
        {
            var one = Stopwatch.StartNew();
            try
            {
                await client.SetAsync("put"u8.ToArray(), "value"u8.ToArray());
                puts++;
            }
            catch (KvCloudException)
            {
                // Its time counts.
            }

            slowest = one.Elapsed > slowest ? one.Elapsed : slowest;
        }

        return (puts, slowest);
    }
}
