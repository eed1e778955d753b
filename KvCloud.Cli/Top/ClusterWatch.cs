using KvCloud.Client;
using KvCloud.Monitoring;

namespace KvCloud.Cli.Top;

/// <summary>Looks at all nodes by HTTP; each look has what they did since the one before.</summary>
internal sealed class ClusterWatch(KvCloudClient client, HttpClient http)
{
    private static readonly TimeSpan DiscoveryPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DiscoveryTimeout = TimeSpan.FromSeconds(2);

    private readonly NodePoller _poller = new(http, TimeProvider.System);
    private IReadOnlyList<KvNodeStatus> _members = [];
    private long _discoveredAt;
    private ClusterSample _latest = ClusterSample.Empty;

    /// <exception cref="KvCloudException">No node answers, and none is known from before.</exception>
    public async Task<ClusterSample> LookAsync(CancellationToken cancellationToken)
    {
        if (_members.Count == 0 || TimeProvider.System.GetElapsedTime(_discoveredAt) > DiscoveryPause)
        {
            await DiscoverAsync(cancellationToken);
        }

        (int Id, Uri Address)[] nodes =
        [
            .. _members.Where(member => member.HttpEndpoint is { Length: > 0 })
                .Select(member => (member.Id, NodeHttp.AddressOf(member.HttpEndpoint!))),
        ];
        NodeSample[] samples = await Task.WhenAll(
            nodes.Select(node => _poller.PollAsync(node.Address, cancellationToken)));
        var byId = nodes.Zip(samples).ToDictionary(pair => pair.First.Id, pair => pair.Second);
        return _latest = new ClusterSample(
            DateTimeOffset.UtcNow,
            new SortedDictionary<int, NodeSample>(byId),
            byId.ToDictionary(
                node => node.Key,
                node => _latest.Nodes.TryGetValue(node.Key, out NodeSample? before)
                    ? NodeRates.Between(before, node.Value)
                    : NodeRates.None));
    }

    private async Task DiscoverAsync(CancellationToken cancellationToken)
    {
        try
        {
            KvClusterHealth health = await client.GetClusterHealthAsync(
                _members.Count == 0 ? null : new KvReadOptions { Timeout = DiscoveryTimeout }, cancellationToken);
            _members = health.Nodes;
        }
        catch (KvCloudException) when (_members.Count > 0)
        {
            // Those known from before are looked at, each by itself.
        }
        finally
        {
            _discoveredAt = TimeProvider.System.GetTimestamp();
        }
    }
}
