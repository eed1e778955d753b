using System.Diagnostics.Metrics;
using KvCloud.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace KvCloud.Tests.Client;

public sealed class HostingTests
{
    [Fact]
    public async Task AddKvCloudClient_connection_string_registers_a_working_singleton()
    {
        await using var cluster = new ScriptedCluster(3);
        HostApplicationBuilder builder = Builder(("ConnectionStrings:kvcloud", $"Endpoints={cluster.Endpoints}"));
        builder.AddKvCloudClient("kvcloud");
        await using ServiceProvider services = builder.Services.BuildServiceProvider();

        KvCloudClient client = services.GetRequiredService<KvCloudClient>();
        Assert.Same(client, services.GetRequiredService<KvCloudClient>());
        await client.SetAsync("a", "1");

        HealthReport report = await services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        Assert.Equal(HealthStatus.Healthy, report.Status);
        Assert.Contains("KvCloud.Client", report.Entries.Keys);

        cluster.Leader = null;
        report = await services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        Assert.Equal(HealthStatus.Unhealthy, report.Status);
    }

    [Fact]
    public async Task AddKvCloudClient_settings_are_layered()
    {
        HostApplicationBuilder builder = Builder(
            ("Aspire:KvCloud:Client:Endpoints:0", "general:1"),
            ("Aspire:KvCloud:Client:Timeout", "00:00:03"),
            ("Aspire:KvCloud:Client:MaxConnectionsPerNode", "7"),
            ("Aspire:KvCloud:Client:kvcloud:Endpoints:0", "named:1"),
            ("Aspire:KvCloud:Client:kvcloud:Timeout", "00:00:04"),
            ("Aspire:KvCloud:Client:kvcloud:Consistency", "LOCAL"));
        KvCloudClientSettings? seen = null;
        builder.AddKvCloudClient("kvcloud", settings => seen = settings);
        await using ServiceProvider services = builder.Services.BuildServiceProvider();

        Assert.Equal(["named:1"], seen!.Endpoints);
        Assert.Equal(TimeSpan.FromSeconds(4), seen.Timeout);
        Assert.Equal(7, seen.MaxConnectionsPerNode);
        Assert.Equal(KvCloud.Protocol.ReadConsistency.LOCAL, seen.Consistency);
        Assert.NotNull(services.GetRequiredService<KvCloudClient>());
    }

    [Fact]
    public async Task AddKeyedKvCloudClient_two_clusters_keeps_them_apart()
    {
        await using var one = new ScriptedCluster(1);
        await using var two = new ScriptedCluster(1);
        HostApplicationBuilder builder = Builder(
            ("ConnectionStrings:one", one.Endpoints), ("ConnectionStrings:two", two.Endpoints));
        builder.AddKeyedKvCloudClient("one");
        builder.AddKeyedKvCloudClient("two");
        await using ServiceProvider services = builder.Services.BuildServiceProvider();

        await services.GetRequiredKeyedService<KvCloudClient>("one").SetAsync("a", "1");

        Assert.Null(await services.GetRequiredKeyedService<KvCloudClient>("two").GetStringAsync("a"));
        HealthReport report = await services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        Assert.Equal(["KvCloud.Client_one", "KvCloud.Client_two"], report.Entries.Keys.Order());
    }

    [Fact]
    public async Task AddKvCloudClient_everything_disabled_registers_the_client_alone()
    {
        HostApplicationBuilder builder = Builder(("ConnectionStrings:kvcloud", "a:1"));
        int before = builder.Services.Count;
        builder.AddKvCloudClient("kvcloud", settings =>
        {
            settings.DisableHealthChecks = true;
            settings.DisableMetrics = true;
            settings.DisableTracing = true;
        });
        Assert.Equal(before + 1, builder.Services.Count);
        await using ServiceProvider services = builder.Services.BuildServiceProvider();
        Assert.NotNull(services.GetRequiredService<KvCloudClient>());
    }

    [Fact]
    public async Task AddKvCloudClient_endpoint_without_port_is_a_service_name()
    {
        await using var cluster = new ScriptedCluster(2);
        HostApplicationBuilder builder = Builder(
            ("ConnectionStrings:kvcloud", "Endpoints=kv-store"),
            ("Services:kv-store:tcp:0", cluster.Nodes[0].Endpoint),
            ("Services:kv-store:tcp:1", cluster.Nodes[1].Endpoint));
        builder.Services.AddServiceDiscovery();
        builder.AddKvCloudClient("kvcloud");
        await using ServiceProvider services = builder.Services.BuildServiceProvider();

        KvCloudClient client = services.GetRequiredService<KvCloudClient>();
        await client.SetAsync("a", "1");

        Assert.Equal("1", await client.GetStringAsync("a"));
    }

    [Fact]
    public async Task ClientTelemetry_call_and_retry_are_measured_under_their_names()
    {
        await using var cluster = new ScriptedCluster(2);
        cluster.Leader = cluster.Nodes[1];
        var seen = new HashSet<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == "KvCloud.Client")
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Note(instrument, tags));
        listener.SetMeasurementEventCallback<long>((instrument, _, tags, _) => Note(instrument, tags));
        listener.Start();
        await using var client = new KvCloudClient(cluster.Nodes[0].Endpoint);

        await client.SetAsync("a", "1");
        await client.RunAsync(transaction => transaction.GetStringAsync("a").AsTask());

        lock (seen)
        {
            Assert.Contains("kvcloud.client.call.duration setKey OK", seen);
            Assert.Contains("kvcloud.client.transaction.duration OK", seen);
            Assert.Contains(seen, name => name.StartsWith("kvcloud.client.retries", StringComparison.Ordinal));
        }

        void Note(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            string text = instrument.Name;
            foreach (KeyValuePair<string, object?> tag in tags)
            {
                text += $" {tag.Value}";
            }

            lock (seen)
            {
                seen.Add(text);
            }
        }
    }

    private static HostApplicationBuilder Builder(params (string Key, string Value)[] values)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(
            values.Select(pair => new KeyValuePair<string, string?>(pair.Key, pair.Value)));
        return builder;
    }
}
