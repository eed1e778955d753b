using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using KvCloud.Client;
using KvCloud.Protocol;
using KvCloud.Tests.Live;
using Microsoft.Extensions.DependencyInjection;

namespace KvCloud.Tests.Aspire;

/// <summary>Our AppHost run by the real orchestrator: written, its leader killed, written and read on.</summary>
[Collection(LiveCollection.Name)]
public sealed class AspireClusterTests(AspireClusterTests.RunningAppHost appHost)
    : IClassFixture<AspireClusterTests.RunningAppHost>, IDisposable
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(3));

    private DistributedApplication Application => appHost.Application;

    private KvCloudResource Cluster => Application.Services.GetRequiredService<DistributedApplicationModel>()
        .Resources.OfType<KvCloudResource>().Single();

    public void Dispose() => _limit.Dispose();

    [Fact]
    public async Task KvCloudResource_leader_killed_by_its_command_catches_up_while_the_others_go_on()
    {
        await using KvCloudClient client = await NewClientAsync();
        await client.SetAsync("before", "1", cancellationToken: _limit.Token);
        await ReadEverywhereAsync(client, [0, 1, 2], "before", "1");

        int leader = await LeaderAsync(client);
        ExecuteCommandResult killed = await CommandAsync($"kv-{leader}", "kvcloud-kill");
        Assert.Contains("which led", killed.Message);
        await client.SetAsync("after", "2", cancellationToken: _limit.Token);
        int[] others = [.. Enumerable.Range(0, 3).Where(index => index != leader)];
        await ReadEverywhereAsync(client, others, "before", "1");
        await ReadEverywhereAsync(client, others, "after", "2");

        await Application.ResourceNotifications.WaitForResourceAsync(
            $"kv-{leader}", KnownResourceStates.TerminalStates, _limit.Token);
        await CommandAsync($"kv-{leader}", KnownResourceCommands.StartCommand);
        await HealthyAsync($"kv-{leader}");
        await ReadEverywhereAsync(client, [0, 1, 2], "after", "2");
    }

    [Fact]
    public async Task KvCloudResource_leader_paused_by_its_command_lets_another_lead_and_the_dashboard_says_who()
    {
        await using KvCloudClient client = await NewClientAsync();
        int before = await LeaderAsync(client);
        await ShownLeaderAsync(before);

        Task<ExecuteCommandResult> paused = CommandAsync($"kv-{before}", "kvcloud-pause");
        await client.SetAsync("paused", "1", cancellationToken: _limit.Token);
        int after = await LeaderAsync(client);

        Assert.NotEqual(before, after);
        await ShownLeaderAsync(after);
        Assert.Contains("for 10 s", (await paused).Message);
        await HealthyAsync($"kv-{before}");
    }

    [Fact]
    public async Task WithConsole_of_the_app_host_serves_its_pages()
    {
        await HealthyAsync("kv-console");
        using HttpClient http = Application.CreateHttpClient("kv-console", "http");

        Assert.Contains("blazor.web", await http.GetStringAsync("/", _limit.Token), StringComparison.Ordinal);
        Assert.NotEmpty(await http.GetByteArrayAsync("/_content/MudBlazor/MudBlazor.min.css", _limit.Token));
    }

    [Fact]
    public async Task ConnectionStringExpression_of_the_cluster_is_what_the_client_reads()
    {
        string? connectionString = await Application.GetConnectionStringAsync("kv", _limit.Token);
        await using var client = new KvCloudClient(connectionString!);

        await client.SetAsync("hello", "world", cancellationToken: _limit.Token);

        Assert.Equal("world", await client.GetStringAsync("hello", cancellationToken: _limit.Token));
    }

    [Fact]
    public async Task KvCloudResource_replicas_say_the_peer_endpoints_that_were_bound()
    {
        await using KvCloudClient client = await NewClientAsync();
        foreach (KvCloudReplica replica in Cluster.Replicas)
        {
            EndpointReference endpoint = replica.ClientEndpoint;
            KvClusterHealth health = await client.GetClusterHealthAsync(
                new KvReadOptions { Endpoint = $"{endpoint.Host}:{endpoint.Port}" }, _limit.Token);

            Assert.Equal(
                Cluster.Replicas.Select(other => $"localhost:{other.PeerEndpoint.Port}"),
                health.Nodes.Select(node => node.PeerEndpoint));
        }
    }

    private async Task<KvCloudClient> NewClientAsync() =>
        new((await Application.GetConnectionStringAsync("kv", _limit.Token))!);

    private async Task ReadEverywhereAsync(KvCloudClient client, int[] replicas, string key, string value)
    {
        foreach (int replica in replicas)
        {
            EndpointReference endpoint = Cluster.Replicas[replica].ClientEndpoint;
            string? read = await client.GetStringAsync(
                key,
                new KvReadOptions
                {
                    Endpoint = $"{endpoint.Host}:{endpoint.Port}",
                    Consistency = ReadConsistency.READ_INDEX,
                    Timeout = TimeSpan.FromSeconds(30),
                },
                _limit.Token);
            Assert.Equal(value, read);
        }
    }

    private async Task<int> LeaderAsync(KvCloudClient client)
    {
        KvClusterHealth health = await client.GetClusterHealthAsync(cancellationToken: _limit.Token);
        Assert.NotNull(health.Leader);
        return health.Leader.Id;
    }

    /// <summary>Waits until the cluster's row names the leader.</summary>
    private Task<ResourceEvent> ShownLeaderAsync(int leader) =>
        Application.ResourceNotifications.WaitForResourceAsync(
            "kv",
            change => change.Snapshot.Properties
                .Any(property => property.Value is string text
                    && text.StartsWith($"leader kv-{leader},", StringComparison.Ordinal)),
            _limit.Token);

    private async Task<ExecuteCommandResult> CommandAsync(string resource, string command)
    {
        ExecuteCommandResult result =
            await Application.ResourceCommands.ExecuteCommandAsync(resource, command, _limit.Token);
        Assert.True(result.Success, result.Message);
        return result;
    }

    private Task<ResourceEvent> HealthyAsync(string resource) =>
        Application.ResourceNotifications.WaitForResourceHealthyAsync(resource, _limit.Token);

    /// <summary>The application, started once for all tests of the class.</summary>
    public sealed class RunningAppHost : IAsyncLifetime
    {
        private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

        private readonly DirectoryInfo _dataRoot = Directory.CreateTempSubdirectory("kvcloud-aspire-");
        private DistributedApplication? _application;

        public DistributedApplication Application => _application!;

        public async Task InitializeAsync()
        {
            using var limit = new CancellationTokenSource(Limit);
            try
            {
                IDistributedApplicationTestingBuilder builder = await DistributedApplicationTestingBuilder
                    .CreateAsync<Projects.KvCloud_AppHost>(
                        ["--base-port", "0", "--data", _dataRoot.FullName], limit.Token);
                _application = await builder.BuildAsync(limit.Token);
                await Application.StartAsync(limit.Token);
                foreach (string resource in (string[])["kv", "kv-0", "kv-1", "kv-2"])
                {
                    await Application.ResourceNotifications.WaitForResourceHealthyAsync(resource, limit.Token);
                }
            }
            catch
            {
                // xunit disposes of nothing whose initialization threw.
                await DisposeAsync();
                throw;
            }
        }

        public async Task DisposeAsync()
        {
            if (_application is not null)
            {
                await _application.DisposeAsync();
            }

            _dataRoot.Delete(recursive: true);
        }
    }
}
