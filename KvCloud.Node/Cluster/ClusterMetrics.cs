using System.Diagnostics.Metrics;
using KvCloud.Consensus;
using KvCloud.Node.Telemetry;

namespace KvCloud.Node.Cluster;

/// <summary>The cluster manager's metrics. Tags are bounded: node ids and health names.</summary>
internal sealed class ClusterMetrics
{
    private readonly Counter<long> _divergence;
    private readonly Counter<long> _leaderChanges;

    public ClusterMetrics(IMeterFactory meters)
    {
        Meter meter = meters.Create(MeterNames.Node);
        _divergence = meter.CreateCounter<long>(
            MeterNames.ClusterDivergence, "{divergence}", "Replicas found to differ in state at the same slot.");
        _leaderChanges = meter.CreateCounter<long>(
            MeterNames.LeaderChanges, "{change}", "Leader changes seen by this replica.");
        meter.CreateObservableGauge(
            MeterNames.ClusterNodes, Count, "{node}", "Replicas by health, as this replica sees them.");
    }

    /// <summary>The latest view, which the gauge counts.</summary>
    public ClusterView? View { get; set; }

    public void CountDivergence(NodeId peer) =>
        _divergence.Add(1, new KeyValuePair<string, object?>("peer", peer.Value));

    public void CountLeaderChange() => _leaderChanges.Add(1);

    private IEnumerable<Measurement<long>> Count()
    {
        ClusterView? view = View;
        return Enum.GetValues<NodeHealth>().Select(health => new Measurement<long>(
            view?.Nodes.Count(node => node.Health == health) ?? 0,
            new KeyValuePair<string, object?>("health", HealthNames.Of(health))));
    }
}
