using System.Globalization;
using KvCloud.Bench.Load;

namespace KvCloud.Bench.Report;

/// <summary>Prints results as plain text, one line each, suitable for logs and notes.</summary>
internal static class ResultTable
{
    private static readonly string[] ColumnTitles =
        ["work", "clients", "ops/s", "p50 ms", "p99 ms", "p99.9", "max", "errors", "CPU µs/op", "cores", "MB",
            "gen. cores"];

    public static void Print(IReadOnlyList<LoadResult> results, IReadOnlyList<string>? names = null)
    {
        var rows = results.Select((result, i) => Row(names?[i] ?? $"{result.Driver} {result.Mix}", result)).ToList();
        Print(ColumnTitles, rows);
        foreach (LoadResult? result in results.Where(result => result.FirstError is not null))
        {
            Console.WriteLine($"first error of {result.Mix}: {result.FirstError}");
        }

        foreach (LoadResult? result in results.Where(result => result.Unfinished > 0))
        {
            Console.WriteLine(
                $"{result.Mix}: {result.Unfinished} calls had no answer at the end; the servers did not keep up");
        }
    }

    /// <summary>
    /// Prints columns as wide as their widest cell, the first left-aligned, the others right-aligned.
    /// </summary>
    public static void Print(IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        int[] widths = columns.Select((name, i) => rows.Select(row => row[i].Length).Append(name.Length).Max())
            .ToArray();
        foreach (IReadOnlyList<string>? row in rows.Prepend(columns))
        {
            Console.WriteLine(string.Join("  ", row.Select((cell, i) =>
                i == 0 ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]))));
        }
    }

    private static string[] Row(string name, LoadResult result) =>
    [
        name,
        result.RatePerSecond > 0 ? Number(result.RatePerSecond) + "/s" : Number(result.Connections * result.InFlight),
        Number(result.Throughput),
        Number(result.Latency.P50Ms),
        Number(result.Latency.P99Ms),
        Number(result.Latency.P999Ms),
        Number(result.Latency.MaxMs),
        Number(result.Errors),
        Number(result.ServerCpuMicroseconds),
        Number(result.ServerCores),
        Number(result.ServerMemoryMb),
        Number(result.GeneratorCores),
    ];

    /// <summary>Three significant digits, or a whole number for larger values.</summary>
    public static string Number(double? value) => value switch
    {
        null => "-",
        0 => "0",
        >= 1000 or <= -1000 => value.Value.ToString("#,0", CultureInfo.InvariantCulture),
        >= 100 => value.Value.ToString("0", CultureInfo.InvariantCulture),
        >= 10 => value.Value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.Value.ToString("0.00", CultureInfo.InvariantCulture),
    };
}
