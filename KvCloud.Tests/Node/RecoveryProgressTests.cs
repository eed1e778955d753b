using System.Net;
using KvCloud.Consensus;
using KvCloud.LocalCluster;
using KvCloud.Node;
using KvCloud.Node.Configuration;
using KvCloud.Node.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace KvCloud.Tests.Node;

/// <summary>What a node says of itself while it recovers.</summary>
public sealed class RecoveryProgressTests
{
    [Fact]
    public void Replayed_says_how_far_it_is_and_logs_every_few_seconds()
    {
        var time = new FakeTimeProvider();
        var lines = new List<string>();
        var progress = new RecoveryProgress(time) { Logger = new Lines(lines) };
        Assert.Contains("being opened", progress.Description, StringComparison.Ordinal);

        for (int slot = 1; slot <= 10; slot++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            progress.Replayed(new Slot(slot), new Slot(10));
        }

        Assert.Equal("recovering, slot 10 of 10", progress.Description);
        Assert.Equal(
            [
                "replays its log: slot 4 of 10 after 4.0 s", "replays its log: slot 8 of 10 after 8.0 s",
                "replays its log: slot 10 of 10 after 10.0 s",
            ],
            lines);
    }

    [Fact]
    public void Replayed_at_once_logs_nothing()
    {
        var lines = new List<string>();
        var progress = new RecoveryProgress(new FakeTimeProvider()) { Logger = new Lines(lines) };

        progress.Replayed(new Slot(7), new Slot(7));

        Assert.Empty(lines);
    }

    [Fact]
    public async Task RecoveryHttp_of_a_long_recovery_is_not_ready_and_alive_and_leaves_the_port()
    {
        int port = FreePorts.Find(1)[0];
        var topology = new NodeTopology
        {
            ClusterId = "mine",
            SelfId = 0,
            Ids = new ReplacementIds(0, 0, []),
            Replicas = [],
            ListenAddress = "127.0.0.1",
            ThriftPort = 0,
            PeerPort = 0,
            HttpPort = port,
            DataDirectory = "",
        };
        var progress = new RecoveryProgress(TimeProvider.System);
        progress.Replayed(new Slot(5), new Slot(10));
        using var recovered = new CancellationTokenSource();
        var connections = new HttpConnections(100, certificates: null, TimeProvider.System);
        Task serving = new RecoveryHttp(topology, progress, connections).RunAsync(recovered.Token);

        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        HttpResponseMessage health = await FirstAnswerAsync(client, "/health");
        HttpResponseMessage alive = await client.GetAsync("/alive");
        string said = await health.Content.ReadAsStringAsync();
        await recovered.CancelAsync();
        await serving;

        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK), (health.StatusCode, alive.StatusCode));
        Assert.Contains("recovering, slot 5 of 10", said, StringComparison.Ordinal);
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync("/alive"));
    }

    [Fact]
    public async Task RecoveryHttp_of_an_ordinary_start_never_listens()
    {
        using var recovered = new CancellationTokenSource();
        var http = new RecoveryHttp(null!, new RecoveryProgress(TimeProvider.System), null!);
        Task serving = http.RunAsync(recovered.Token);

        await recovered.CancelAsync();

        await serving;
    }

    private static async Task<HttpResponseMessage> FirstAnswerAsync(HttpClient client, string path)
    {
        long deadline = Environment.TickCount64 + 30_000;
        while (true)
        {
            try
            {
                return await client.GetAsync(path);
            }
            catch (HttpRequestException) when (Environment.TickCount64 < deadline)
            {
                // It waits for a moment before it listens.
                await Task.Delay(20);
            }
        }
    }

    private sealed class Lines(List<string> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter) => lines.Add(formatter(state, exception));
    }
}
