using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.Tests.Client;

/// <summary>Pool limits, cancellation, deadlines and sizes, over real sockets.</summary>
public sealed class ConnectionTests
{
    [Fact]
    public async Task GetAsync_many_side_by_side_stays_within_the_pool()
    {
        await using var cluster = new ScriptedCluster(1);
        var settings = new KvCloudClientSettings
        {
            ConnectionString = cluster.Endpoints,
            MaxConnectionsPerNode = 3,
            CallsBeforeAnotherConnection = 4,
            MaxCallsPerConnection = 8,
        };
        await using var client = new KvCloudClient(settings);
        int most = 0;
        int inFlight = 0;
        cluster.Nodes[0].Script = async call =>
        {
            if (call.Method == "get")
            {
                InterlockedMax(ref most, Interlocked.Increment(ref inFlight));
                await Task.Delay(5);
                Interlocked.Decrement(ref inFlight);
            }

            return null;
        };

        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => client.GetStringAsync($"k{i}").AsTask()));

        Assert.Equal(200, cluster.Nodes[0].Calls("get").Count);
        Assert.InRange(most, 9, 24);
        Assert.InRange(cluster.Nodes[0].Connections, 2, 3);
    }

    [Fact]
    public async Task GetAsync_cancelled_throws_and_the_connection_goes_on()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);
        await client.SetAsync("a", "1");
        var arrived = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        cluster.Nodes[0].Script = async call =>
        {
            if (call.Method == "get" && ((GetRequest)call.Request).Key is [(byte)'s'])
            {
                arrived.TrySetResult();
                await release.Task;
            }

            return null;
        };
        using var cancel = new CancellationTokenSource();
        Task<string?> slow = client.GetStringAsync("s", cancellationToken: cancel.Token).AsTask();
        await arrived.Task;

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => slow);
        release.SetResult();

        // The late answer finds nobody, and the next calls get their own.
        for (int i = 0; i < 50; i++)
        {
            Assert.Equal("1", await client.GetStringAsync("a"));
        }
    }

    [Fact]
    public async Task GetAsync_already_cancelled_throws_at_once()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);
        await client.SetAsync("a", "1");
        using var cancel = new CancellationTokenSource();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await client.GetStringAsync("a", cancellationToken: cancel.Token));
    }

    [Fact]
    public async Task SetAsync_over_the_request_limit_is_refused_unsent_and_harms_nobody()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints + "");
        await client.SetAsync("a", "1");

        KvCloudException failure = await Assert.ThrowsAsync<KvCloudException>(
            async () => await client.SetAsync("big"u8.ToArray(), new byte[17 * 1024 * 1024]));

        Assert.Equal(ErrorCode.VALUE_TOO_LARGE, failure.ErrorCode);
        Assert.True(failure.OutcomeKnown);
        Assert.Contains("MaxRequestBytes", failure.Message, StringComparison.Ordinal);
        Assert.Equal("1", await client.GetStringAsync("a"));
        Assert.Single(cluster.Nodes[0].Calls("setKey"));
    }

    [Fact]
    public async Task GetAsync_answer_over_the_response_limit_fails_and_names_the_limit()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(new KvCloudClientSettings
        {
            ConnectionString = cluster.Endpoints,
            MaxResponseBytes = 10_000,
            Timeout = TimeSpan.FromSeconds(4),
        });
        await client.SetAsync("a"u8.ToArray(), new byte[20_000]);

        // On a busy machine the deadline may pass while the last attempt of many is still connecting.
        string said = "";
        for (int i = 0; i < 5 && !said.Contains("MaxResponseBytes", StringComparison.Ordinal); i++)
        {
            said = (await Assert.ThrowsAsync<KvCloudException>(async () =>
                await client.GetAsync("a"u8.ToArray()))).Message;
        }

        Assert.Contains("MaxResponseBytes", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetManyAsync_large_values_many_side_by_side_come_back_whole()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(cluster.Endpoints);
        byte[][] values = [.. Enumerable.Range(0, 24).Select(i => Fill(i, 1024 * 1024 - i))];

        await Task.WhenAll(values.Select((value, i) => client.SetAsync(new[] { (byte)(i + 1) }, value).AsTask()));
        byte[]?[] found = await client.GetManyAsync(
            [.. Enumerable.Range(0, 24).Select(i => (ReadOnlyMemory<byte>)new[] { (byte)(i + 1) })]);

        for (int i = 0; i < 24; i++)
        {
            Assert.True(values[i].AsSpan().SequenceEqual(found[i]), $"value {i}");
        }
    }

    [Fact]
    public async Task DisposeAsync_with_calls_in_flight_answers_each_of_them()
    {
        await using var cluster = new ScriptedCluster(1);
        var client = new KvCloudClient(cluster.Endpoints);
        await client.SetAsync("a", "1");
        cluster.Nodes[0].Script = _ => new ValueTask<ScriptedAct?>(new ScriptedAct { Silence = true });
        Task[] calls =
        [
            .. Enumerable.Range(0, 50).Select(i => client.GetStringAsync($"k{i}").AsTask()),
            .. Enumerable.Range(0, 50).Select(i => client.SetAsync($"k{i}", "v").AsTask()),
        ];

        await client.DisposeAsync();

        foreach (Task call in calls)
        {
            Exception failure = await Assert.ThrowsAnyAsync<Exception>(() => call.WaitAsync(TimeSpan.FromSeconds(10)));
            Assert.True(failure is KvCloudException or ObjectDisposedException, failure.ToString());
        }
    }

    private static byte[] Fill(int seed, int size)
    {
        byte[] bytes = new byte[size];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static void InterlockedMax(ref int most, int value)
    {
        int seen;
        do
        {
            seen = Volatile.Read(ref most);
        }
        while (seen < value && Interlocked.CompareExchange(ref most, value, seen) != seen);
    }
}
