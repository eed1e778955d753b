using System.Text.Json;
using KvCloud.Bench.Compare;
using KvCloud.Bench.Load;
using KvCloud.Bench.Report;

namespace KvCloud.Tests.Bench;

public sealed class CompareSummaryTests
{
    [Fact]
    public void Of_two_rounds_has_ratios_of_medians_and_their_spread()
    {
        CompareFigure figure = CompareSummary.Of(
            [Result(3000, 1, 4, 20), Result(5000, 2, 6, 30)],
            [Result(1000, 2, 20, 100), Result(1000, 4, 20, 140)],
            result => result.Throughput);

        Assert.Equal(4000, figure.Kvcloud);
        Assert.Equal(1000, figure.Etcd);
        Assert.Equal(4, figure.Ratio);
        Assert.Equal(3, figure.RatioMin);
        Assert.Equal(5, figure.RatioMax);
        Assert.Equal(0.5, figure.P50Ratio);
        Assert.Equal(0.25, figure.P99Ratio);
        Assert.Equal(25, figure.CpuUsKvcloud);
        Assert.Equal(120, figure.CpuUsEtcd);
    }

    [Fact]
    public void OfSeconds_has_the_median_and_the_worst()
    {
        CompareFigure figure = CompareSummary.OfSeconds([0.3, 0.9, 0.5], [1.0, 2.0]);

        Assert.Equal(0.5, figure.Kvcloud);
        Assert.Equal(1.5, figure.Etcd);
        Assert.Equal(0.9, figure.WorstKvcloud);
        Assert.Equal(2.0, figure.WorstEtcd);
        Assert.Equal(0.3333, figure.Ratio);
    }

    [Fact]
    public void Serialize_of_figures_has_the_names_readers_rely_on()
    {
        CompareFigure figure = CompareSummary.Of(
            [Result(2, 1, 1, 1)], [Result(1, 1, 1, 1)], result => result.Throughput);
        string json = JsonReport.Serialize(new Dictionary<string, CompareFigure> { ["put_64"] = figure });
        using var document = JsonDocument.Parse(json);
        JsonElement put = document.RootElement.GetProperty("put_64");

        string[] names = ["kvcloud", "etcd", "ratio", "p50_ratio", "p99_ratio", "cpu_us_kvcloud", "cpu_us_etcd"];
        Assert.All(names, name => Assert.Equal(JsonValueKind.Number, put.GetProperty(name).ValueKind));
        Assert.Equal(2, put.GetProperty("ratio").GetDouble());
    }

    [Fact]
    public void All_of_the_comparison_has_its_names_and_clients()
    {
        var clients = CompareWork.All(sweep: false).ToDictionary(work => work.Name, work => work.Clients);

        Assert.Equal(
            ["get_linearizable_256", "get_local_256", "memory_mb", "put_1", "put_1000", "put_256", "put_64"],
            clients.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(1, clients["put_1"]);
        Assert.Equal(64, clients["put_64"]);
        Assert.Equal(256, clients["put_256"]);
        Assert.Equal(1000, clients["put_1000"]);
    }

    private static LoadResult Result(double throughput, double p50Ms, double p99Ms, double cpuMicroseconds) => new()
    {
        Driver = "Etcd",
        Mix = "set:100",
        Target = "Leader",
        Connections = 1,
        InFlight = 1,
        RatePerSecond = 0,
        KeySizeBytes = 16,
        ValueSizeBytes = 100,
        Keys = 1,
        Seconds = 1,
        Throughput = throughput,
        Latency = new LatencySummary(1, p50Ms, p50Ms, p99Ms, p99Ms, p99Ms, p99Ms),
        ByOperation = new Dictionary<string, LatencySummary>(),
        Statuses = new Dictionary<string, long>(),
        Errors = 0,
        Unfinished = 0,
        PerSecond = [],
        ServerCpuMicroseconds = cpuMicroseconds,
        GeneratorCores = 0,
        GeneratorCpuMicroseconds = 0,
    };
}
