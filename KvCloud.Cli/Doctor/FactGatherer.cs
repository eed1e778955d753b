using System.Text.Json;
using KvCloud.Cli.Cluster;
using KvCloud.Client;
using KvCloud.Monitoring;

namespace KvCloud.Cli.Doctor;

/// <summary>Asks all members for all that they say, side by side.</summary>
internal sealed class FactGatherer(KvCloudClient client, NodeReader reader)
{
    /// <exception cref="KvCloudException">No node answers.</exception>
    public async Task<ClusterFacts> GatherAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset at = DateTimeOffset.UtcNow;
        ClusterReport now = await new ClusterQuery(client).AskAsync(cancellationToken);
        NodeFacts[] nodes = await Task.WhenAll(now.Members.Select(member => OfAsync(member, cancellationToken)));
        return new ClusterFacts(now, nodes, at);
    }

    private async Task<NodeFacts> OfAsync(MemberReport member, CancellationToken cancellationToken)
    {
        // One that does not answer clients is not asked for another two seconds by HTTP: that it is away is known.
        if (!member.Answers)
        {
            return new NodeFacts(member);
        }

        if (member.Known.HttpEndpoint is not { Length: > 0 } endpoint)
        {
            return new NodeFacts(member) { HttpError = "nobody knows where its HTTP port is" };
        }

        Uri address = NodeHttp.AddressOf(endpoint);
        Task<NodeAnswer<string>> status = reader.ReadTextAsync(address, "/status", cancellationToken);
        Task<NodeAnswer<string>> metrics = reader.ReadTextAsync(address, "/metrics", cancellationToken);
        Task<NodeAnswer<NodeConfig>> config = reader.ReadAsync<NodeConfig>(address, "/config", cancellationToken);
        await Task.WhenAll(status, metrics, config);
        try
        {
            return new NodeFacts(member)
            {
                Status = (await status).Value is { } told ? NodeStatus.Parse(told) : null,
                Metrics = (await metrics).Value is { } text ? [.. PrometheusText.Parse(text)] : [],
                Settings = (await config).Value is { } settings ? SettingsOf(settings) : null,
                HttpError = (await status).Error ?? (await metrics).Error ?? (await config).Error,
            };
        }
        catch (Exception exception) when (
            exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return new NodeFacts(member) { HttpError = $"its answer is not understood: {exception.Message}" };
        }
    }

    private static Dictionary<string, string> SettingsOf(NodeConfig config) => config.Settings
        .Where(setting => setting.Value is not null)
        .ToDictionary(setting => setting.Name, setting => setting.Value!);
}
