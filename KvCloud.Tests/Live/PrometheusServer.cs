using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using KvCloud.LocalCluster;
using KvCloud.Tests.Deployment.Monitoring;

namespace KvCloud.Tests.Live;

/// <summary>Prometheus as Debian has it, which scrapes a cluster once a second under the rules of deploy/.</summary>
internal sealed class PrometheusServer : IAsyncDisposable
{
    public const string Job = "kvcloud";

    /// <summary>What stands for the dashboard's $__rate_interval: several scrapes.</summary>
    public const string RateInterval = "15s";

    private readonly string _folder;
    private readonly Process _process;
    private readonly Task<string> _told;
    private readonly HttpClient _http;

    private PrometheusServer(string folder, Process process, Uri address)
    {
        _folder = folder;
        _process = process;
        _told = process.StandardError.ReadToEndAsync();
        _http = new HttpClient { BaseAddress = address };
    }

    public static async Task<PrometheusServer> StartAsync(LiveCluster cluster)
    {
        string folder = Directory.CreateTempSubdirectory("kvcloud-prometheus-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "prometheus.yml"), Configuration(cluster));
        var address = new Uri($"http://127.0.0.1:{FreePorts.Find(1)[0]}");
        var start = new ProcessStartInfo("prometheus",
        [
            $"--config.file={Path.Combine(folder, "prometheus.yml")}",
            $"--storage.tsdb.path={Path.Combine(folder, "data")}",
            $"--web.listen-address={address.Authority}",
            "--log.level=warn",
        ])
        {
            RedirectStandardError = true,
        };
        Process process = Process.Start(start) ?? throw new InvalidOperationException("prometheus did not start");
        return new PrometheusServer(folder, process, address);
    }

    /// <summary>The values of a query's series at present; none while Prometheus does not answer.</summary>
    public async Task<IReadOnlyList<double>> QueryAsync(string query)
    {
        JsonElement? data = await GetAsync($"/api/v1/query?query={Uri.EscapeDataString(query)}");
        return data is not { } answer
            ? []
            : [.. answer.GetProperty("result").EnumerateArray().Select(ValueOf)];
    }

    /// <summary>
    /// Of each rule its name, whether it could be evaluated, and whether it is inactive, pending or firing.
    /// </summary>
    public async Task<IReadOnlyList<(string Name, string Health, string State)>> RulesAsync()
    {
        JsonElement? data = await GetAsync("/api/v1/rules");
        return data is not { } answer
            ? []
            :
            [
                .. answer.GetProperty("groups").EnumerateArray()
                    .SelectMany(group => group.GetProperty("rules").EnumerateArray())
                    .Select(rule => (
                        rule.GetProperty("name").GetString()!,
                        rule.GetProperty("health").GetString()!,
                        rule.GetProperty("state").GetString()!)),
            ];
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static double ValueOf(JsonElement sample) =>
        double.Parse(sample.GetProperty("value")[1].GetString()!, CultureInfo.InvariantCulture);

    private async Task<JsonElement?> GetAsync(string path)
    {
        if (_process.HasExited)
        {
            throw new InvalidOperationException($"prometheus ended: {await _told}");
        }

        try
        {
            using HttpResponseMessage answer = await _http.GetAsync(new Uri(path, UriKind.Relative));
            string body = await answer.Content.ReadAsStringAsync();
            Assert.True(answer.IsSuccessStatusCode || (int)answer.StatusCode == 503, $"{path}: {body}");
            return answer.IsSuccessStatusCode ? JsonDocument.Parse(body).RootElement.GetProperty("data") : null;
        }
        catch (HttpRequestException)
        {
            // It has not begun to listen.
            return null;
        }
    }

    private static string Configuration(LiveCluster cluster)
    {
        IEnumerable<string> targets = cluster.Topology.Replicas
            .Select(replica => $"\"{cluster.Topology.Host}:{replica.HttpPort}\"");
        string tls = cluster.Certificates is { } certificates
            ? $"""
                  scheme: https
                  tls_config: {"{"} ca_file: "{certificates.Bundle}" {"}"}
              """
            : "";
        return $"""
            global: {"{"} scrape_interval: 1s, evaluation_interval: 1s {"}"}
            rule_files: ["{AlertRule.RulesFile}"]
            scrape_configs:
              - job_name: {Job}
                static_configs: [{"{"} targets: [{string.Join(", ", targets)}] {"}"}]

            """ + tls;
    }
}
