using System.Text.RegularExpressions;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Deployment.Monitoring;

/// <summary>
/// The series of a node as Prometheus calls them, made of docs/observability.md, which another test holds to the
/// instruments, and of those that .NET itself has.
/// </summary>
internal static partial class MetricNames
{
    /// <summary>Of the process, from the runtime's own meter; the live test sees that they are there.</summary>
    private static readonly string[] OfRuntime =
    [
        "dotnet_process_cpu_time_seconds_total", "dotnet_process_memory_working_set_bytes",
        "dotnet_gc_last_collection_heap_size_bytes", "dotnet_gc_pause_time_seconds_total",
    ];

    /// <summary>Of Prometheus itself.</summary>
    private static readonly string[] OfPrometheus = ["up", "ALERTS"];

    public static HashSet<string> OfNode { get; } =
    [
        .. Row().Matches(File.ReadAllText(Repository.File("docs", "observability.md"))).SelectMany(row => SeriesOf(
            row.Groups["name"].Value, row.Groups["kind"].Value, row.Groups["unit"].Value)),
    ];

    /// <summary>The names of metrics in a query that no node has.</summary>
    public static IEnumerable<string> UnknownIn(string query) =>
        UsedIn(query).Except(OfNode).Except(OfRuntime).Except(OfPrometheus);

    /// <summary>The names of metrics in a query: what is no label, function or word of the language.</summary>
    public static IEnumerable<string> UsedIn(string query) =>
        Metric().Matches(Labels().Replace(query, "")).Select(match => match.Value).Distinct();

    private static IEnumerable<string> SeriesOf(string instrument, string kind, string unit)
    {
        string name = instrument.Replace('.', '_');
        string suffix = unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };
        name += name.EndsWith(suffix, StringComparison.Ordinal) ? "" : suffix;
        return kind switch
        {
            "counter" => [$"{name}_total"],
            "histogram" => [$"{name}_bucket", $"{name}_sum", $"{name}_count"],
            _ => [name],
        };
    }

    [GeneratedRegex(
        @"^\| `(?<name>kvcloud\.[\w.]+)` \| (?<kind>gauge|counter|histogram) \| (`(?<unit>[^`]+)`)? ?\|",
        RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"\{[^}]*\}|\b(by|on|without)\s*\([^)]*\)")]
    private static partial Regex Labels();

    [GeneratedRegex(@"\b(up|ALERTS|[a-z]+_[a-z0-9_]+)\b(?!\s*\()")]
    private static partial Regex Metric();
}
