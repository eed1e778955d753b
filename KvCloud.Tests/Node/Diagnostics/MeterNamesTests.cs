using System.Reflection;
using KvCloud.Node.Diagnostics;
using KvCloud.Node.Telemetry;
using KvCloud.Tests.Node.Cluster;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Node.Diagnostics;

public sealed class MeterNamesTests : IDisposable
{
    private readonly ClusterFixture _cluster = new();

    public void Dispose() => _cluster.Dispose();

    [Fact]
    public void ReplicaMetrics_instruments_are_those_named_each_with_a_description()
    {
        using MeterProbe probe = new(_cluster.Meters);
        _ = new ReplicaMetrics(_cluster.Meters, _cluster.Feeds, _cluster.Manager);

        Assert.Equal(Names(), probe.Instruments.Keys.Order(StringComparer.Ordinal));
        Assert.All(probe.Instruments.Values, instrument => Assert.False(string.IsNullOrEmpty(instrument.Description)));
    }

    [Fact]
    public void ReplicaMetrics_instruments_have_the_values_of_the_status()
    {
        using MeterProbe probe = new(_cluster.Meters);
        _ = new ReplicaMetrics(_cluster.Meters, _cluster.Feeds, _cluster.Manager);
        _cluster.HealthyTurn();

        Assert.Equal(["kvcloud.replica.leader 1"], probe.Values(MeterNames.Leader));
        Assert.Equal(
            [
                "kvcloud.cluster.nodes{health=unknown} 0", "kvcloud.cluster.nodes{health=healthy} 3",
                "kvcloud.cluster.nodes{health=degraded} 0", "kvcloud.cluster.nodes{health=unreachable} 0",
            ],
            probe.Values(MeterNames.ClusterNodes).TakeLast(4));
    }

    private static IEnumerable<string> Names() =>
        typeof(MeterNames).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => (string)field.GetRawConstantValue()!)
            .Where(name => name.StartsWith("kvcloud.", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);
}
