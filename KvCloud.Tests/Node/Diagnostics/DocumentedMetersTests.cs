using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using KvCloud.Node.Access;
using KvCloud.Node.Diagnostics;
using KvCloud.Node.Replication;
using KvCloud.Node.Rpc;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Telemetry;
using KvCloud.Node.Tls;
using KvCloud.Tests.Node.Cluster;
using KvCloud.Tests.Node.Tls;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Node.Diagnostics;

/// <summary>docs/observability.md has every instrument of a node with its kind and unit, and no other.</summary>
public sealed partial class DocumentedMetersTests : IDisposable
{
    private readonly ClusterFixture _cluster = new();

    public void Dispose() => _cluster.Dispose();

    [Fact]
    public void MeterNames_of_a_node_are_exactly_those_of_the_documentation()
    {
        string page = File.ReadAllText(Repository.File("docs", "observability.md"));
        IEnumerable<string> documented = Row().Matches(page)
            .Select(row => $"{row.Groups["name"].Value} {row.Groups["kind"].Value} {row.Groups["unit"].Value}")
            .Order(StringComparer.Ordinal);

        Assert.Equal(documented, Instruments().Select(Describe).Distinct().Order(StringComparer.Ordinal));
    }

    /// <summary>An exporter's own bounds begin at five: of seconds, the first bucket holds every call.</summary>
    [Fact]
    public void MeterNames_of_histograms_have_bounds_of_their_own() => Assert.Empty(
        Instruments()
            .Where(instrument => instrument is Histogram<double> { Advice: null } or Histogram<int> { Advice: null }
                or Histogram<long> { Advice: null })
            .Select(Describe));

    private List<Instrument> Instruments()
    {
        List<Instrument> instruments = [];
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter.Name is MeterNames.Node or RpcStatistics.MeterName)
            {
                lock (instruments)
                {
                    instruments.Add(instrument);
                }
            }
        };
        listener.Start();
        _ = new ReplicaMetrics(_cluster.Meters, _cluster.Feeds, _cluster.Manager);
        _ = new ReplicationMetrics(_cluster.Meters);
        _ = new AccessMetrics(_cluster.Meters);
        new HttpConnections(100, certificates: null, TimeProvider.System).Observe(_cluster.Meters);
        using var statistics = new RpcStatistics(new RpcBudget(new RpcLimits()));
        statistics.ObserveConnections(() => 0);
        statistics.ObserveCallers(() => 0, () => 0, () => 0);
        using var ca = new TestCa();
        _ = new TlsMetrics(
            _cluster.Meters,
            CertificateStore.Open(CertificateStoreTests.Options(ca.Node(2), ca.CaFile), TimeProvider.System));
        lock (instruments)
        {
            return [.. instruments];
        }
    }

    private static string Describe(Instrument instrument)
    {
        string kind = instrument.GetType().Name.Replace("Observable", "", StringComparison.Ordinal).Split('`')[0];
        return $"{instrument.Name} {kind.ToLowerInvariant()} {instrument.Unit}";
    }

    [GeneratedRegex(
        @"^\| `(?<name>kvcloud\.[\w.]+)` \| (?<kind>gauge|counter|histogram) \| (`(?<unit>[^`]+)`)? ?\|",
        RegexOptions.Multiline)]
    private static partial Regex Row();
}
