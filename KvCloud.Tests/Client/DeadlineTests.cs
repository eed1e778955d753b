using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using KvCloud.Client;
using KvCloud.Client.Calls;
using KvCloud.Client.Connections;
using KvCloud.Client.Topology;
using KvCloud.Protocol;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using static KvCloud.Tests.Node.Rpc.ConnectionTests;
using ClientNode = KvCloud.Client.Topology.Node;

namespace KvCloud.Tests.Client;

/// <summary>What the client does at which time, by a clock that the test moves.</summary>
public sealed class DeadlineTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task GetAsync_without_an_answer_ends_at_its_deadline_and_not_before()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(new KvCloudClientSettings
        {
            ConnectionString = cluster.Endpoints,
            Timeout = TimeSpan.FromMinutes(10),
            AttemptTimeout = TimeSpan.FromMinutes(10),

            // The first refresh may be under way when the time jumps, and is then overdue on the get's connection.
            KeepAliveTimeout = TimeSpan.FromHours(1),
            Time = _time,
        });
        var arrived = new TaskCompletionSource();
        cluster.Nodes[0].Script = call =>
        {
            if (call.Method == "get")
            {
                arrived.TrySetResult();
                return new ValueTask<ScriptedAct?>(new ScriptedAct { Silence = true });
            }

            return new ValueTask<ScriptedAct?>((ScriptedAct?)null);
        };
        Task<byte[]?> get = client.GetAsync("a"u8.ToArray()).AsTask();
        await arrived.Task.WaitAsync(Patience);

        _time.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromMilliseconds(100));
        await Task.Delay(50);
        Assert.False(get.IsCompleted);

        KvCloudException failure = await Assert.ThrowsAsync<KvCloudException>(
            () => AdvanceUntilDoneAsync(get, steps: 20));
        Assert.Equal(ErrorCode.TIMEOUT, failure.ErrorCode);
    }

    [Fact]
    public async Task RunAsync_conflict_after_the_timeout_does_not_run_the_body_again()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(new KvCloudClientSettings
        {
            ConnectionString = cluster.Endpoints,
            KeepAliveTimeout = TimeSpan.FromHours(1),
            AttemptTimeout = TimeSpan.FromHours(1),
            Timeout = TimeSpan.FromHours(1),
            Time = _time,
        });
        await client.SetAsync("a", "0");
        int runs = 0;

        KvCloudException failure = await Assert.ThrowsAsync<KvCloudException>(() => client.RunAsync(
            async transaction =>
            {
                await transaction.GetStringAsync("a");
                await client.SetAsync("a", "x");
                transaction.Set("a", "y");
                if (++runs == 1)
                {
                    _time.Advance(TimeSpan.FromMinutes(10));
                }
            },
            new KvTransactionOptions { Timeout = TimeSpan.FromMinutes(10) }));

        Assert.Equal(ErrorCode.CONFLICT, failure.ErrorCode);
        Assert.Equal(1, runs);
    }

    [Fact]
    public async Task OpenAsync_without_an_answer_is_given_up_at_the_connect_timeout_and_not_before()
    {
        // The kernel takes the connection, and nobody ever answers the TLS greeting.
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var factory = new ConnectorFactory(
            new ConnectorOptions(8, 1024, 1024, 1024, KeepAliveTimeoutMs: 1_000, _time),
            TimeSpan.FromMinutes(10),
            new ClientTls(new TlsSettings(null, null, null, null)));
        Task<Connector> opening = factory.OpenAsync(
            "127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port, CancellationToken.None);

        _time.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromMilliseconds(1));
        await Task.Delay(50);
        Assert.False(opening.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));

        IOException failure = await Assert.ThrowsAsync<IOException>(() => opening.WaitAsync(Patience));
        Assert.Equal("no connection within 600000 ms", failure.Message);
    }

    [Fact]
    public async Task RefreshInterval_that_is_over_asks_for_the_members_again_and_not_before()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var client = new KvCloudClient(new KvCloudClientSettings
        {
            ConnectionString = cluster.Endpoints,
            RefreshInterval = TimeSpan.FromMinutes(10),
            KeepAliveInterval = TimeSpan.FromHours(1),
            Time = _time,
        });
        int asked = 0;
        cluster.Nodes[0].Script = call =>
        {
            if (call.Method == "getClusterHealth")
            {
                Interlocked.Increment(ref asked);
            }

            return new ValueTask<ScriptedAct?>((ScriptedAct?)null);
        };
        await client.PingAsync();
        await Eventually(() => Volatile.Read(ref asked) > 0);

        // Answers come in the order of the calls: with this one the first refresh has its answer too.
        await client.PingAsync();

        // Past the shortest pause between two refreshes, in steps that leave the first one its time.
        for (int i = 0; i < 20; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Delay(10);
        }

        int first = Volatile.Read(ref asked);
        _time.Advance(TimeSpan.FromMinutes(9));
        await Task.Delay(50);
        Assert.Equal(first, Volatile.Read(ref asked));

        _time.Advance(TimeSpan.FromMinutes(1));
        await Eventually(() => Volatile.Read(ref asked) == first + 1);
    }

    [Fact]
    public void TickMs_after_each_millisecond_is_one_more()
    {
        for (int i = 0; i < 1_000; i++)
        {
            long before = _time.TickMs();
            _time.Advance(TimeSpan.FromMilliseconds(1));
            Assert.Equal(before + 1, _time.TickMs());
        }
    }

    [Fact]
    public async Task ReportConnectFailure_again_and_again_is_probed_after_pauses_that_double()
    {
        await using ClientNode node = NewNode();
        Assert.False(node.IsCircuitOpen);

        // 100 ms, then 200, and a quarter more by chance.
        foreach (int pauseMs in (int[])[100, 200, 400])
        {
            node.ReportConnectFailure("refused");
            _time.Advance(TimeSpan.FromMilliseconds(pauseMs - 1));
            Assert.True(node.IsCircuitOpen);
            Assert.False(node.IsProbeDue);

            _time.Advance(TimeSpan.FromMilliseconds(1 + (pauseMs / 4)));
            Assert.True(node.IsProbeDue);
        }

        node.ReportAnswer(latencyMs: 1);
        Assert.False(node.IsCircuitOpen);
        Assert.False(node.IsProbeDue);

        // An answer ends the row of failures: the next pause is a short one.
        node.ReportConnectFailure("refused");
        _time.Advance(TimeSpan.FromMilliseconds(125));
        Assert.True(node.IsProbeDue);
    }

    [Fact]
    public async Task ReportTimeout_of_a_node_that_was_slow_once_fades()
    {
        await using ClientNode node = NewNode();
        node.ReportTimeout(waitedMs: 1_000);
        double atOnce = node.Score;

        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.InRange(node.Score, atOnce / 3, atOnce / 2);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.InRange(node.Score, 0, 0.1);
    }

    private ClientNode NewNode()
    {
        Assert.True(NodeEndpoint.TryParse("127.0.0.1:1", out NodeEndpoint endpoint, out _));
        var options = new ConnectorOptions(8, 1024, 1024, 1024, KeepAliveTimeoutMs: 1_000, _time);
        var factory = new ConnectorFactory(options, TimeSpan.FromSeconds(1), null);
        return new ClientNode(endpoint, factory, new PoolOptions(1, 1, 1), NullLogger.Instance, CancellationToken.None);
    }

    /// <summary>Lets the time go on in small steps, so that each timer has its turn.</summary>
    private async Task AdvanceUntilDoneAsync(Task call, int steps)
    {
        for (int i = 0; i < steps && !call.IsCompleted; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(50));
            await Task.WhenAny(call, Task.Delay(50));
        }

        await call.WaitAsync(TimeSpan.Zero);
    }
}
