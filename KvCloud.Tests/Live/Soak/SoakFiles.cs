using System.Globalization;
using KvCloud.Tests.Live.Lifecycle;

namespace KvCloud.Tests.Live.Soak;

/// <summary>Writes the samples as CSV.</summary>
internal static class SoakFiles
{
    public static void Save(string directory, SoakSampler sampler, IReadOnlyList<(TimeSpan Time, string Fault)> faults)
    {
        Directory.CreateDirectory(directory);
        File.WriteAllLines(
            Path.Combine(directory, "nodes.csv"),
            [
                "seconds,node,resident_bytes,handles,threads,log_bytes,data_bytes",
                .. sampler.Nodes.Select(sample => Line(
                    sample.Time.TotalSeconds,
                    sample.Node == NodeSample.Client ? "client" : sample.Node,
                    sample.ResidentBytes,
                    sample.Handles,
                    sample.Threads,
                    sample.LogBytes,
                    sample.DataBytes)),
            ]);
        File.WriteAllLines(
            Path.Combine(directory, "calls.csv"),
            [
                "seconds,kind,count,p50_ms,p99_ms,longest_call_ms,longest_pause_ms,failed,unknown",
                .. sampler.Calls.SelectMany(sample => new[]
                {
                    Line(sample.Time, "write", sample.Writes), Line(sample.Time, "read", sample.Reads),
                }),
            ]);
        File.WriteAllLines(
            Path.Combine(directory, "faults.csv"),
            ["seconds,fault", .. faults.Select(fault => Line(fault.Time.TotalSeconds, fault.Fault))]);
    }

    private static string Line(TimeSpan time, string kind, CallFigures figures) => Line(
        time.TotalSeconds,
        kind,
        figures.Count,
        figures.P50.TotalMilliseconds,
        figures.P99.TotalMilliseconds,
        figures.LongestCall.TotalMilliseconds,
        figures.LongestPause.TotalMilliseconds,
        figures.Errors.Values.Sum(),
        figures.Unknown);

    private static string Line(params IEnumerable<object> cells) => string.Join(',', cells.Select(cell => cell switch
    {
        double number => number.ToString("0.###", CultureInfo.InvariantCulture),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => cell.ToString(),
    }));
}
