using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using KvCloud.Client;
using KvCloud.Tests.Live;
using Microsoft.Extensions.DependencyInjection;

namespace KvCloud.Tests.Aspire;

/// <summary>Our AppHost with --tls true, run by the real orchestrator: TLS on all ports.</summary>
[Collection(LiveCollection.Name)]
public sealed class SecureClusterTests : IAsyncLifetime, IDisposable
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(3));
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("kvcloud-aspire-tls-");
    private DistributedApplication? _application;

    private DistributedApplication Application => _application!;

    public async Task InitializeAsync()
    {
        IDistributedApplicationTestingBuilder builder = await DistributedApplicationTestingBuilder
            .CreateAsync<Projects.KvCloud_AppHost>(
                ["--base-port", "0", "--data", _data.FullName, "--tls", "true"], _limit.Token);
        _application = await builder.BuildAsync(_limit.Token);
    }

    public async Task DisposeAsync()
    {
        if (_application is not null)
        {
            await _application.DisposeAsync();
        }

        _data.Delete(recursive: true);
    }

    public void Dispose() => _limit.Dispose();

    [Fact]
    public async Task WithTls_replicas_speak_it_to_each_other_to_clients_and_to_the_dashboard()
    {
        await Application.StartAsync(_limit.Token);
        foreach (string resource in (string[])["kv", "kv-0", "kv-1", "kv-2"])
        {
            await Application.ResourceNotifications.WaitForResourceHealthyAsync(resource, _limit.Token);
        }

        string? connectionString = await Application.GetConnectionStringAsync("kv", _limit.Token);
        Assert.EndsWith($";TlsCa={Path.Combine(_data.FullName, "certificates", "ca.crt")}", connectionString);
        await using var client = new KvCloudClient(connectionString!);
        await client.SetAsync("secure", "yes", cancellationToken: _limit.Token);
        Assert.Equal("yes", await client.GetStringAsync("secure", cancellationToken: _limit.Token));

        await using var clear = new KvCloudClient(new KvCloudClientSettings
        {
            ConnectionString = connectionString!.Split(';')[0],
            Timeout = TimeSpan.FromSeconds(2),
        });
        await Assert.ThrowsAsync<KvCloudException>(
            async () => await clear.GetStringAsync("secure", cancellationToken: _limit.Token));

        // The cluster's row knows who leads: it asks over HTTPS.
        await Application.ResourceNotifications.WaitForResourceAsync(
            "kv",
            change => change.Snapshot.Properties.Any(property =>
                property.Value is string text && text.EndsWith("3 of 3 replicas answer", StringComparison.Ordinal)),
            _limit.Token);
        Assert.All(
            Application.Services.GetRequiredService<DistributedApplicationModel>()
                .Resources.OfType<KvCloudResource>().Single().Replicas,
            replica => Assert.StartsWith("https://", replica.HttpEndpoint.Url));
    }
}
