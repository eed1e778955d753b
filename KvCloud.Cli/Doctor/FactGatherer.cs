using System.Text.Json;
using KvCloud.Cli.Cluster;
using KvCloud.Client;
using KvCloud.Monitoring;

namespace KvCloud.Cli.Doctor;

/// <summary>Asks all members for all that they say, side by side.</summary>
internal sealed class FactGatherer(KvCloudClient client, NodeHttp http)
{
    /// <exception cref="KvCloudException">No node answers.</exception>
    public async Task<ClusterFacts> GatherAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset at = DateTimeOffset.UtcNow;
        ClusterNow now = await new ClusterInquiry(client).AskAsync(cancellationToken);
        NodeFacts[] nodes = await Task.WhenAll(now.Members.Select(member => OfAsync(member, cancellationToken)));
        return new ClusterFacts(now, nodes, at);
    }

    private async Task<NodeFacts> OfAsync(MemberNow member, CancellationToken cancellationToken)
    {
        // One that does not answer clients is not asked for another two seconds by HTTP: that it is away is known.
        if (!member.Answers)
        {
            return new NodeFacts(member);
        }

        Task<NodeAnswer> status = http.GetAsync(member.Known, "/status", cancellationToken);
        Task<NodeAnswer> metrics = http.GetAsync(member.Known, "/metrics", cancellationToken);
        Task<NodeAnswer> config = http.GetAsync(member.Known, "/config", cancellationToken);
        await Task.WhenAll(status, metrics, config);
        try
        {
            return new NodeFacts(member)
            {
                Status = (await status).Body is { } told ? NodeStatus.Parse(told) : null,
                Metrics = (await metrics).Body is { } text ? [.. PrometheusText.Parse(text)] : [],
                Settings = (await config).Body is { } settings ? SettingsOf(settings) : null,
                HttpError = (await status).Error ?? (await metrics).Error ?? (await config).Error,
            };
        }
        catch (Exception exception) when (
            exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return new NodeFacts(member) { HttpError = $"its answer is not understood: {exception.Message}" };
        }
    }

    private static Dictionary<string, string> SettingsOf(string json)
    {
        using var config = JsonDocument.Parse(json);
        return config.RootElement.GetProperty("settings").EnumerateArray()
            .Where(setting => setting.TryGetProperty("value", out _))
            .ToDictionary(
                setting => setting.GetProperty("name").GetString()!,
                setting => setting.GetProperty("value").GetString() ?? "");
    }
}
