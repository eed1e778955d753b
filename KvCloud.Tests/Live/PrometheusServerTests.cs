using System.Diagnostics;
using KvCloud.Client;
using KvCloud.Tests.Deployment.Monitoring;
using KvCloud.Tests.Support;
using Xunit.Abstractions;

namespace KvCloud.Tests.Live;

/// <summary>
/// A real Prometheus watches a live cluster under load: rules can be evaluated, every query of the dashboard has data,
/// and what is well alarms nobody.
/// </summary>
[Collection(LiveCollection.Name)]
public sealed class PrometheusServerTests(ITestOutputHelper output) : IDisposable
{
    private const string AdminPassword = "the first password";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly LiveCertificates _certificates = new();

    public void Dispose() => _certificates.Dispose();

    [FactNeeds("prometheus")]
    public async Task PrometheusServer_of_a_live_cluster_has_data_for_every_query_and_sees_a_replica_die()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(
            certificates: _certificates,
            environment: _ =>
            [
                new("KvCloud__Security__Authorization", "required"),
                new("KvCloud__Deployment__FeatureLevelDelayMs", "0"),
                new("KVCLOUD_ADMIN_PASSWORD", AdminPassword),
            ]);
        await using KvCloudClient client = NewClient(cluster, AdminPassword);
        await UntilAsync(async () => await CanWriteAsync(client), "an administrator");
        await using PrometheusServer prometheus = await PrometheusServer.StartAsync(cluster);

        using var stop = new CancellationTokenSource();
        Task load = LoadAsync(cluster, client, stop.Token);
        try
        {
            await HasDataAsync(prometheus);
            await CheckRulesAsync(prometheus);
            await CheckNamesAsync(cluster);
            await CheckQuantilesAsync(prometheus);
        }
        finally
        {
            await stop.CancelAsync();
            await load;
        }

        await cluster.Processes.KillAsync(0);
        long killed = Stopwatch.GetTimestamp();
        await UntilAsync(
            async () => (await prometheus.RulesAsync()).Any(
                rule => rule is { Name: "KvCloudReplicaDown", State: "pending" or "firing" }),
            "an alert of the replica that was killed");
        output.WriteLine($"from SIGKILL to a pending alert: {Stopwatch.GetElapsedTime(killed).TotalSeconds:0.0} s");
    }

    private async Task HasDataAsync(PrometheusServer prometheus)
    {
        List<(string Name, string Query)> missing =
        [
            .. Dashboard.Queries.Concat(Dashboard.Variables).Select(query => (
                query.Item1, Dashboard.Resolve(query.Item2, PrometheusServer.Job, PrometheusServer.RateInterval))),
        ];
        int all = missing.Count;
        long started = Stopwatch.GetTimestamp();
        while (missing.Count > 0)
        {
            Assert.True(
                Stopwatch.GetElapsedTime(started) < Patience,
                $"no data for:\n{string.Join('\n', missing.Select(query => $"{query.Name}: {query.Query}"))}");
            await Task.Delay(500);
            foreach ((string Name, string Query) query in missing.ToArray())
            {
                if ((await prometheus.QueryAsync(query.Query)).Any(double.IsFinite))
                {
                    missing.Remove(query);
                }
            }
        }

        output.WriteLine($"{all} queries have data after {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s");
    }

    /// <summary>Metrics of an alert must be there: one with a wrong name would never fire, and look healthy.</summary>
    private static async Task CheckRulesAsync(PrometheusServer prometheus)
    {
        IReadOnlyList<(string Name, string Health, string State)> rules = await prometheus.RulesAsync();

        Assert.Equal(
            AlertRule.All.Select(rule => rule.Name).Order(StringComparer.Ordinal),
            rules.Select(rule => rule.Name).Order(StringComparer.Ordinal));
        Assert.All(rules, rule => Assert.Equal((rule.Name, "ok"), (rule.Name, rule.Health)));
        Assert.DoesNotContain(rules, rule => rule.State == "firing");
        foreach (AlertRule rule in AlertRule.All)
        {
            foreach (string metric in MetricNames.UsedIn(rule.Query))
            {
                Assert.True((await prometheus.QueryAsync(metric)).Count > 0, $"{rule.Name}: nobody has {metric}");
            }
        }
    }

    /// <summary>
    /// Quantiles are read between bounds of buckets: with the usual ones, of 5, 10 and 25, each call takes seconds.
    /// </summary>
    private async Task CheckQuantilesAsync(PrometheusServer prometheus)
    {
        string[] durations = [.. MetricNames.OfNode.Where(
            name => name.EndsWith("duration_seconds_bucket", StringComparison.Ordinal))];
        foreach (string name in durations)
        {
            double[] median = [.. await prometheus.QueryAsync(
                $"histogram_quantile(0.5, sum by (le) (rate({name}[{PrometheusServer.RateInterval}])))")];
            output.WriteLine($"{name}: median {string.Join(", ", median)} s");
            Assert.All(median.Where(double.IsFinite), seconds => Assert.InRange(seconds, 0, 1));
        }
    }

    /// <summary>The names of the page are those of the node, under the rules of the exporter.</summary>
    private async Task CheckNamesAsync(LiveCluster cluster)
    {
        using var handler = new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator,
        };
        using var http = new HttpClient(handler);
        string text = await http.GetStringAsync(
            new Uri($"https://{cluster.Topology.Host}:{cluster.Topology.Replicas[0].HttpPort}/metrics"));
        string[] names =
        [
            .. text.Split('\n')
                .Where(line => line.StartsWith("kvcloud_", StringComparison.Ordinal))
                .Select(line => line.Split('{', ' ')[0])
                .Distinct(),
        ];

        output.WriteLine($"{names.Length} names of series");
        Assert.NotEmpty(names);
        Assert.Empty(names.Except(MetricNames.OfNode));
    }

    /// <summary>Reads, writes and transactions, and now and then somebody who has not logged in.</summary>
    private static async Task LoadAsync(LiveCluster cluster, KvCloudClient client, CancellationToken stop)
    {
        await using KvCloudClient nobody = NewClient(cluster, password: null);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async worker =>
        {
            for (int turn = 0; !stop.IsCancellationRequested; turn++)
            {
                string key = $"load/{worker}/{turn % 100}";
                await client.SetAsync(key, "value");
                await client.GetStringAsync(key);
                await client.RunAsync(async transaction =>
                {
                    await transaction.GetStringAsync(key);
                    transaction.Set(key, "again");
                });
                if (worker == 0 && turn % 100 == 0)
                {
                    await Assert.ThrowsAsync<KvCloudException>(async () => await nobody.GetStringAsync(key));
                }
            }
        }));
    }

    private static KvCloudClient NewClient(LiveCluster cluster, string? password) => cluster.NewClient(settings =>
    {
        // Who logs in by a password shows no certificate.
        settings.TlsCertificate = null;
        settings.TlsKey = null;
        settings.User = password is null ? null : "admin";
        settings.Password = password;
    });

    private static async Task<bool> CanWriteAsync(KvCloudClient client)
    {
        try
        {
            await client.SetAsync("first", "1");
            return true;
        }
        catch (KvCloudException)
        {
            return false;
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo, string what)
    {
        long started = Stopwatch.GetTimestamp();
        while (!await isSo())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < Patience, $"no {what} within {Patience.TotalSeconds} s");
            await Task.Delay(200);
        }
    }
}
