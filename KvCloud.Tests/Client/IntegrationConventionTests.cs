using KvCloud.Client;
using KvCloud.Tests.Node.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace KvCloud.Tests.Client;

/// <summary>What Aspire asks of a client integration.</summary>
public sealed class IntegrationConventionTests
{
    [Fact]
    public async Task AddKvCloudClient_connection_string_as_the_app_host_hands_it_out_is_read()
    {
        await using var cluster = new ScriptedCluster(3);
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        string variable = $"KVTEST_{Guid.NewGuid():n}_";
        Environment.SetEnvironmentVariable(
            $"{variable}ConnectionStrings__kv", $"Endpoints={string.Join(',', cluster.Nodes.Select(n => n.Endpoint))}");
        try
        {
            builder.Configuration.AddEnvironmentVariables(variable);
        }
        finally
        {
            Environment.SetEnvironmentVariable($"{variable}ConnectionStrings__kv", null);
        }

        builder.AddKvCloudClient("kv");
        await using ServiceProvider services = builder.Services.BuildServiceProvider();

        KvCloudClient client = services.GetRequiredService<KvCloudClient>();
        await client.SetAsync("a", "1");
        KvClusterHealth health = await client.GetClusterHealthAsync();

        Assert.Equal(cluster.Nodes.Select(node => node.Endpoint), health.Nodes.Select(node => node.Endpoint));
    }

    [Fact]
    public async Task AddKvCloudClient_beside_AddKeyedKvCloudClient_registers_both()
    {
        await using var one = new ScriptedCluster(1);
        await using var two = new ScriptedCluster(1);
        HostApplicationBuilder builder = Builder(
            ("ConnectionStrings:one", one.Endpoints), ("ConnectionStrings:two", two.Endpoints));
        builder.AddKvCloudClient("one");
        builder.AddKeyedKvCloudClient("two");
        await using ServiceProvider services = builder.Services.BuildServiceProvider();

        await services.GetRequiredService<KvCloudClient>().SetAsync("a", "1");

        Assert.Null(await services.GetRequiredKeyedService<KvCloudClient>("two").GetStringAsync("a"));
        HealthReport report = await services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        Assert.Equal(["KvCloud.Client", "KvCloud.Client_two"], report.Entries.Keys.Order());
        Assert.Equal(HealthStatus.Healthy, report.Status);
    }

    [Fact]
    public void AddKvCloudClient_twice_registers_one_health_check()
    {
        HostApplicationBuilder builder = Builder(("ConnectionStrings:kv", "a:1"));
        builder.AddKvCloudClient("kv");
        builder.AddKvCloudClient("kv");
        builder.AddKeyedKvCloudClient("kv");
        builder.AddKeyedKvCloudClient("kv");
        using ServiceProvider services = builder.Services.BuildServiceProvider();

        // Two of one name make the constructor of this service throw.
        Assert.NotNull(services.GetRequiredService<HealthCheckService>());
        Assert.Equal(["KvCloud.Client", "KvCloud.Client_kv"], Registrations(services).Select(r => r.Name));
    }

    [Fact]
    public void HealthCheckTimeout_from_the_configuration_is_the_timeout_of_the_check()
    {
        HostApplicationBuilder builder = Builder(
            ("ConnectionStrings:kv", "a:1"), ("Aspire:KvCloud:Client:kv:HealthCheckTimeout", "00:00:07"));
        builder.AddKvCloudClient("kv");
        using ServiceProvider services = builder.Services.BuildServiceProvider();

        Assert.Equal(TimeSpan.FromSeconds(7), Assert.Single(Registrations(services)).Timeout);
    }

    [Fact]
    public async Task CheckHealthAsync_of_a_cluster_that_does_not_answer_ends_with_its_timeout()
    {
        using var silent = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        silent.Start();
        HostApplicationBuilder builder = Builder(("ConnectionStrings:kv", $"{silent.LocalEndpoint}"));
        builder.AddKvCloudClient("kv", settings => settings.HealthCheckTimeout = TimeSpan.FromMilliseconds(200));
        await using ServiceProvider services = builder.Services.BuildServiceProvider();

        HealthReport report = await services.GetRequiredService<HealthCheckService>().CheckHealthAsync();

        Assert.Equal(HealthStatus.Unhealthy, report.Status);
        Assert.True(report.TotalDuration < TimeSpan.FromSeconds(3), $"{report.TotalDuration}");
    }

    [Fact]
    public void HealthCheckTimeout_that_is_no_time_is_refused_by_name()
    {
        HostApplicationBuilder builder = Builder(("ConnectionStrings:kv", "a:1"));

        ArgumentException failure = Assert.Throws<ArgumentException>(
            () => builder.AddKvCloudClient("kv", settings => settings.HealthCheckTimeout = TimeSpan.Zero));
        Assert.Contains("HealthCheckTimeout", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AddKvCloudClient_without_an_endpoint_names_the_configuration_keys()
    {
        HostApplicationBuilder builder = Builder();
        builder.AddKvCloudClient("kv");
        using ServiceProvider services = builder.Services.BuildServiceProvider();

        InvalidOperationException failure =
            Assert.Throws<InvalidOperationException>(services.GetRequiredService<KvCloudClient>);
        Assert.Contains("ConnectionStrings:kv", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Aspire:KvCloud:Client:kv:Endpoints", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AddKvCloudClient_of_null_or_empty_is_refused_by_name()
    {
        HostApplicationBuilder builder = Builder();
        IHostApplicationBuilder none = null!;

        Assert.Throws<ArgumentNullException>("builder", () => none.AddKvCloudClient("kv"));
        Assert.Throws<ArgumentNullException>("builder", () => none.AddKeyedKvCloudClient("kv"));
        Assert.Throws<ArgumentNullException>("connectionName", () => builder.AddKvCloudClient(null!));
        Assert.Throws<ArgumentNullException>("name", () => builder.AddKeyedKvCloudClient(null!));
        Assert.Throws<ArgumentException>("connectionName", () => builder.AddKvCloudClient(""));
        Assert.Throws<ArgumentException>("name", () => builder.AddKeyedKvCloudClient(""));
        Assert.Throws<ArgumentNullException>("settings", () => new KvCloudClient((KvCloudClientSettings)null!));
    }

    [Theory]
    [InlineData("DisableTracing", false, true)]
    [InlineData("DisableMetrics", true, false)]
    [InlineData("DisableHealthChecks", true, true)]
    public async Task AddKvCloudClient_switch_in_the_configuration_turns_that_one_off(
        string name, bool traces, bool metrics)
    {
        await using var cluster = new ScriptedCluster(1);
        HostApplicationBuilder builder = Builder(
            ("ConnectionStrings:kv", cluster.Endpoints), ($"Aspire:KvCloud:Client:{name}", "true"));
        builder.AddKvCloudClient("kv");
        var activities = new ActivityRecorder();
        var instruments = new InstrumentRecorder();
        builder.Services.AddOpenTelemetry()
            .WithTracing(tracing => tracing.AddProcessor(activities))
            .WithMetrics(provider => provider.AddReader(new BaseExportingMetricReader(instruments)));
        await using ServiceProvider services = builder.Services.BuildServiceProvider();
        _ = services.GetRequiredService<TracerProvider>();
        MeterProvider meters = services.GetRequiredService<MeterProvider>();

        await services.GetRequiredService<KvCloudClient>().SetAsync("a", "1");
        meters.ForceFlush();

        Assert.Equal(traces, activities.Sources.Contains("KvCloud.Client"));
        Assert.Equal(metrics, instruments.Meters.Contains("KvCloud.Client"));
        Assert.Equal(name != "DisableHealthChecks", services.GetService<HealthCheckService>() is not null);
    }

    [Fact]
    public async Task ClientLog_of_a_node_lost_tells_the_leader_the_loss_and_its_return()
    {
        await using var cluster = new ScriptedCluster(1);
        HostApplicationBuilder builder = Builder(
            ("ConnectionStrings:kv", $"Endpoints={cluster.Endpoints}"));
        using var log = new RecordingLog();
        builder.Logging.AddProvider(log);
        builder.AddKvCloudClient("kv", settings => settings.ConnectTimeout = TimeSpan.FromSeconds(1));
        await using ServiceProvider services = builder.Services.BuildServiceProvider();
        KvCloudClient client = services.GetRequiredService<KvCloudClient>();
        ScriptedNode node = cluster.Nodes[0];

        await client.SetAsync("a", "1");
        await cluster.KillAsync(node);
        var soon = new KvReadOptions { Timeout = TimeSpan.FromMilliseconds(300) };
        await Assert.ThrowsAsync<KvCloudException>(() => client.GetAsync("a"u8.ToArray(), soon).AsTask());
        cluster.Leader = cluster.Restart(node);
        await client.SetAsync("a", "2");

        Assert.Contains((LogLevel.Information, $"{node.Endpoint} leads the cluster"), log.Lines);
        Assert.Contains(log.Lines, line => line.Level == LogLevel.Warning
            && line.Message.StartsWith(
                $"Circuit breaker of {node.Endpoint} opened: cannot connect", StringComparison.Ordinal));
        Assert.Contains(
            (LogLevel.Information, $"Circuit breaker of {node.Endpoint} closed: it answers again"), log.Lines);
    }

    private static IEnumerable<HealthCheckRegistration> Registrations(IServiceProvider services) =>
        services.GetRequiredService<Microsoft.Extensions.Options.IOptions<HealthCheckServiceOptions>>()
            .Value.Registrations;

    private static HostApplicationBuilder Builder(params (string Key, string Value)[] values)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(
            values.Select(pair => new KeyValuePair<string, string?>(pair.Key, pair.Value)));
        return builder;
    }

    private sealed class ActivityRecorder : BaseProcessor<System.Diagnostics.Activity>
    {
        public System.Collections.Concurrent.ConcurrentBag<string> Sources { get; } = [];

        public override void OnEnd(System.Diagnostics.Activity data) => Sources.Add(data.Source.Name);
    }

    private sealed class InstrumentRecorder : BaseExporter<Metric>
    {
        public System.Collections.Concurrent.ConcurrentBag<string> Meters { get; } = [];

        public override ExportResult Export(in Batch<Metric> batch)
        {
            foreach (Metric metric in batch)
            {
                Meters.Add(metric.MeterName);
            }

            return ExportResult.Success;
        }
    }
}
