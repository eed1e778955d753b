using System.Globalization;
using System.Text;
using KvCloud.Client;
using KvCloud.Protocol;
using Xunit.Abstractions;

namespace KvCloud.Tests.Live;

/// <summary>
/// write_routing = "forward": a client of the old kind, which knows one node, stays with a follower while leaders are
/// killed. What it was told is true: done is done once, refused is not done, unknown is either.
/// </summary>
[Collection(LiveCollection.Name)]
public sealed class WriteForwardingTests(ITestOutputHelper output)
{
    private const int Kills = 2;
    private const int WritesBeforeKill = 50;

    /// <summary>With any of these nothing was written.</summary>
    private static readonly string[] KnownRefusals = ["NO_LEADER", "NOT_LEADER", "TIMEOUT", "OVERLOADED"];

    private readonly List<int> _done = [];
    private readonly List<int> _refused = [];
    private readonly List<int> _unknown = [];
    private int _next;

    [Fact]
    public async Task WriteForwarder_plain_client_of_a_follower_works_on_while_leaders_are_killed()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(
            environment: _ => [new("KvCloud__Deployment__WriteRouting", "forward")]);
        await using KvCloudClient admin = cluster.NewClient();
        for (int kill = 0; kill < Kills; kill++)
        {
            int leader = await cluster.LeaderAsync(admin);
            using var client = new PlainClient(cluster.Endpoints[(leader + 1 + (kill % 2)) % cluster.Count]);
            await WriteAsync(client, WritesBeforeKill);
            Task killing = cluster.Processes.KillAsync(leader);
            while (!killing.IsCompleted)
            {
                await WriteAsync(client, 1);
            }

            await killing;
            await WriteUntilDoneAsync(client);
            await WriteAsync(client, WritesBeforeKill);
            cluster.Processes.Start(leader);
            await cluster.WaitHealthyAsync();
        }

        output.WriteLine($"{_done.Count} done, {_refused.Count} refused, {_unknown.Count} unknown");
        Assert.True(_done.Count >= Kills * 2 * WritesBeforeKill * 9 / 10, $"only {_done.Count} writes were done");
        for (int node = 0; node < cluster.Count; node++)
        {
            await CheckAsync(cluster, admin, node);
        }
    }

    private async Task WriteUntilDoneAsync(PlainClient client)
    {
        int done = _done.Count;
        for (int attempt = 0; attempt < 2000 && _done.Count == done; attempt++)
        {
            await WriteAsync(client, 1);
            await Task.Delay(10);
        }

        Assert.NotEqual(done, _done.Count);
    }

    /// <summary>
    /// Each write has a key of its own, and a versionstamped one that would show twice if the write were run twice.
    /// </summary>
    private async Task WriteAsync(PlainClient client, int count)
    {
        for (int i = 0; i < count; i++)
        {
            int number = _next++;
            byte[] key = Key("plain", number);
            byte[] stamped = [.. Key("stamp", number), (byte)'/', .. new byte[10]];
            (bool isDone, string? code, string? error) = number % 3 == 0
                ? Answer(await client.Calls.setVersionstampedKey(new SetVersionstampedKeyRequest(stamped, key)))
                : Answer(await client.Calls.atomicCommit(new AtomicCommitRequest(
                    0,
                    [
                        new Operation("SET_VERSIONSTAMPED_KEY", stamped) { Value = key },
                        new Operation("set", key) { Value = key },
                    ],
                    [])));
            if (isDone)
            {
                _done.Add(number);
                await CheckReadAsync(client, number, key);
            }
            else if (KnownRefusals.Contains(code))
            {
                _refused.Add(number);
            }
            else
            {
                Assert.True(code == "OUTCOME_UNKNOWN", $"write {number} was answered {code}: {error}");
                _unknown.Add(number);
            }
        }
    }

    /// <summary>
    /// By its default level, from the very node it is pointed at, a client reads what it has written.
    /// </summary>
    private static async Task CheckReadAsync(PlainClient client, int number, byte[] key)
    {
        if (number % 3 != 0)
        {
            GetResponse read = await client.Calls.@get(new GetRequest(key));
            Assert.True(read.Found, $"write {number} was done and is not read on the same node: {read.Error}");
        }
    }

    private async Task CheckAsync(LiveCluster cluster, KvCloudClient client, int node)
    {
        await cluster.CatchUpAsync(client, node);
        var options = new KvReadOptions { Consistency = ReadConsistency.LOCAL, Endpoint = cluster.Endpoints[node] };
        var times = new Dictionary<int, int>();
        await foreach (KvEntry entry in client.RangeAsync(KvRange.Prefix("stamp/"), options))
        {
            int number = Number(entry.Key);
            times[number] = times.GetValueOrDefault(number) + 1;
        }

        var plain = new HashSet<int>();
        await foreach (KvEntry entry in client.RangeAsync(KvRange.Prefix("plain/"), options))
        {
            plain.Add(Number(entry.Key));
        }

        Assert.All(times, time => Assert.Equal(1, time.Value));
        Assert.Empty(_done.Except(times.Keys));
        Assert.Empty(_refused.Intersect(times.Keys));
        Assert.Equal(times.Keys.Where(number => number % 3 != 0).Order(), plain.Order());
        Assert.Empty(times.Keys.Except(_done).Except(_unknown));
    }

    private static (bool IsDone, string? Code, string? Error) Answer(AtomicCommitResponse response) =>
        (response.Success, response.ErrorCode, response.Error);

    private static (bool IsDone, string? Code, string? Error) Answer(SetVersionstampedKeyResponse response) =>
        (response.Success, response.__isset.code ? response.Code.ToString() : null, response.Error);

    private static byte[] Key(string prefix, int number) =>
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{prefix}/{number:000000}"));

    private static int Number(byte[] key) =>
        int.Parse(Encoding.ASCII.GetString(key, 6, 6), CultureInfo.InvariantCulture);
}
