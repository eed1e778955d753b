using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Deployment.Monitoring;

/// <summary>The dashboard of deploy/grafana.</summary>
internal static partial class Dashboard
{
    public static JsonObject Json { get; } =
        (JsonObject)JsonNode.Parse(File.ReadAllText(Repository.File("deploy", "grafana", "kvcloud.json")))!;

    /// <summary>Without the rows, which are headings.</summary>
    public static IReadOnlyList<JsonObject> Panels { get; } =
        [.. Json["panels"]!.AsArray().Select(panel => (JsonObject)panel!).Where(panel => Text(panel["type"]) != "row")];

    /// <summary>The queries of the panels.</summary>
    public static IReadOnlyList<(string Panel, string Query)> Queries { get; } =
    [
        .. Panels.SelectMany(panel => panel["targets"]!.AsArray()
            .Select(target => (Text(panel["title"]), Text(target!["expr"])))),
    ];

    /// <summary>The queries of what is drawn over the panels when it happens, and so often have no data.</summary>
    public static IReadOnlyList<(string Name, string Query)> Annotations { get; } =
    [
        .. Json["annotations"]!["list"]!.AsArray()
            .Select(annotation => (Text(annotation!["name"]), Text(annotation["expr"]))),
    ];

    /// <summary>The variables that are filled by a query: label_values(METRIC, LABEL).</summary>
    public static IReadOnlyList<(string Name, string Query)> Variables { get; } =
    [
        .. Json["templating"]!["list"]!.AsArray()
            .Where(variable => Text(variable!["type"]) == "query")
            .Select(variable => (Text(variable!["name"]), LabelValues().Replace(
                Text(variable["query"]!["query"]), "count by (${label}) (${metric})"))),
    ];

    /// <summary>As Grafana sends it, with all replicas of the job.</summary>
    public static string Resolve(string query, string job, string rateInterval) => query
        .Replace("$__rate_interval", rateInterval, StringComparison.Ordinal)
        .Replace("$job", job, StringComparison.Ordinal)
        .Replace("$instance", ".*", StringComparison.Ordinal);

    public static string Text(JsonNode? node) => node!.GetValue<string>();

    [GeneratedRegex(@"^label_values\((?<metric>.+), (?<label>\w+)\)$")]
    private static partial Regex LabelValues();
}
