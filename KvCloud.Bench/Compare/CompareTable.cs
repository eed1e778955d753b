using System.Globalization;
using KvCloud.Bench.Measure;
using KvCloud.Bench.Report;

namespace KvCloud.Bench.Compare;

/// <summary>Prints the comparison as plain text.</summary>
internal static class CompareTable
{
    private static readonly string[] Columns =
    [
        "work", "kvcloud", "etcd", "ratio", "min-max", "p50 ratio", "p99 ratio", "CPU µs kvcloud", "CPU µs etcd",
        "target",
    ];

    public static void Print(CompareOutcome outcome, IReadOnlyList<CompareWork> works)
    {
        var targets = works.ToDictionary(work => work.Name, work => work.Target);
        var rows = outcome.Figures.Select(figure => Row(
            figure.Key, figure.Value, targets.GetValueOrDefault(figure.Key, "≤ 0.5 s, worst ≤ 1 s"))).ToList();
        ResultTable.Print(Columns, rows);
        if (outcome.Figures.TryGetValue(CompareWork.Failover, out CompareFigure? failover))
        {
            Console.WriteLine(
                $"failover, worst: kvcloud {ResultTable.Number(failover.WorstKvcloud)} s, etcd"
                + $" {ResultTable.Number(failover.WorstEtcd)} s");
        }

        foreach (DurabilityCheck durability in outcome.Durability)
        {
            Console.WriteLine(durability);
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Environment.ProcessorCount} cores, {outcome.FileSystem}, took {outcome.TookSeconds:F0} s. Ratios are"
            + $" kvcloud over etcd: rates want above 1, the rest below."));
    }

    private static string[] Row(string name, CompareFigure figure, string target) =>
    [
        name,
        ResultTable.Number(figure.Kvcloud),
        ResultTable.Number(figure.Etcd),
        ResultTable.Number(figure.Ratio),
        figure.RatioMin is null ? "-" : $"{ResultTable.Number(figure.RatioMin)}-{ResultTable.Number(figure.RatioMax)}",
        ResultTable.Number(figure.P50Ratio),
        ResultTable.Number(figure.P99Ratio),
        ResultTable.Number(figure.CpuUsKvcloud),
        ResultTable.Number(figure.CpuUsEtcd),
        target,
    ];
}
