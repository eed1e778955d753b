using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using KvCloud.LocalCluster;
using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.Tests.Aspire;

/// <summary>
/// The whole application under Aspire: written through the leader, read from everywhere, and gone on without it.
/// </summary>
public sealed class AspireClusterTests : IAsyncLifetime, IDisposable
{
    private const int Replicas = 3;

    private readonly string _dataRoot = Directory.CreateTempSubdirectory("kvcloud-aspire-").FullName;
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(5));
    private readonly Topology _topology = Topology.Create(Replicas, thriftBase: 18090);
    private DistributedApplication? _application;

    private IReadOnlyList<string> Endpoints => [.. _topology.Replicas.Select(r => string.Create(
        CultureInfo.InvariantCulture, $"127.0.0.1:{r.ThriftPort}"))];

    public async Task InitializeAsync()
    {
        IDistributedApplicationTestingBuilder builder = await DistributedApplicationTestingBuilder
            .CreateAsync<Projects.KvCloud_AppHost>(["--base-port", "18090", "--data", _dataRoot], _limit.Token);
        _application = await builder.BuildAsync(_limit.Token);
        await _application.StartAsync(_limit.Token);
        await HealthyAsync(Enumerable.Range(0, Replicas));
    }

    public async Task DisposeAsync()
    {
        if (_application is not null)
        {
            await _application.DisposeAsync();
        }

        Directory.Delete(_dataRoot, recursive: true);
    }

    public void Dispose() => _limit.Dispose();

    [Fact]
    public async Task Cluster_leaderStopped_othersGoOnAndItCatchesUp()
    {
        await using var client = new KvCloudClient($"Endpoints={string.Join(',', Endpoints)}");
        await client.SetAsync("before", "1", cancellationToken: _limit.Token);
        await ReadEverywhereAsync(client, Endpoints, "before", "1");

        int leader = await LeaderAsync(client);
        await CommandAsync(leader, KnownResourceCommands.StopCommand);
        List<string> others = [.. Endpoints.Where((_, i) => i != leader)];

        await client.SetAsync("after", "2", cancellationToken: _limit.Token);
        await ReadEverywhereAsync(client, others, "before", "1");
        await ReadEverywhereAsync(client, others, "after", "2");

        await CommandAsync(leader, KnownResourceCommands.StartCommand);
        await HealthyAsync([leader]);
        await ReadEverywhereAsync(client, Endpoints, "after", "2");
    }

    private async Task ReadEverywhereAsync(
        KvCloudClient client, IReadOnlyList<string> endpoints, string key, string value)
    {
        foreach (string endpoint in endpoints)
        {
            string? read = await client.GetStringAsync(
                key,
                new KvReadOptions
                {
                    Endpoint = endpoint,
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

    private async Task CommandAsync(int index, string command)
    {
        ExecuteCommandResult result = await _application!.ResourceCommands
            .ExecuteCommandAsync(Replica.NameOf(index), command, _limit.Token);
        Assert.True(result.Success, result.Message);
    }

    private async Task HealthyAsync(IEnumerable<int> indexes)
    {
        foreach (int index in indexes)
        {
            await _application!.ResourceNotifications.WaitForResourceHealthyAsync(Replica.NameOf(index), _limit.Token);
        }
    }
}
