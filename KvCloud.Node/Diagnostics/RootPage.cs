using System.Net;
using System.Text;
using KvCloud.Node.Cluster;
using KvCloud.Node.Configuration;
using KvCloud.Node.Replication;
using KvCloud.Node.Telemetry;
using Microsoft.Net.Http.Headers;

namespace KvCloud.Node.Diagnostics;

/// <summary>
/// The answer at <c>/</c>, which dashboards link to first: which replica this is, and where its other pages are. HTML
/// for browsers, JSON for other clients.
/// </summary>
internal static class RootPage
{
    private static readonly (string Path, string About)[] Pages =
    [
        (Extensions.HealthPath, "whether this replica is ready, and why not"),
        (Extensions.AlivePath, "whether its process is alive"),
        ("/status", "the cluster as this replica sees it"),
        ("/events", "elections, snapshots, members and alarms, as this replica saw them"),
        ("/logs", "the newest lines of its log"),
        ("/slow", "the newest calls that took long"),
        ("/heat", "which keys are read and written"),
        ("/log", "the newest slots of its log"),
        ("/config", "the settings in force, without secrets"),
        ("/metrics", "all meters, for Prometheus"),
    ];

    public static void MapRootPage(this WebApplication app) => app.MapGet("/", Answer);

    private static IResult Answer(
        HttpRequest request, ClusterManager cluster, ClusterFeeds feeds, NodeTopology topology, NodeOptions options)
    {
        ReplicaStatus status = feeds.Status();
        string role = HealthNames.Of(status.Role);
        string? leader = status.Leader is { } id ? cluster.ClientEndpointOf(id) ?? id.ToString() : null;
        string? warning = Insecurity.Of(options, topology);
        if (WantsHtml(request))
        {
            return Results.Content(Html(topology, role, leader, warning), "text/html", Encoding.UTF8);
        }

        return Results.Json(
            new
            {
                NodeId = topology.SelfId,
                topology.ClusterId,
                Role = role,
                Leader = leader,
                Version = NodeVersion.Text,
                Warning = warning,
                ClientEndpoint = topology.Self.ClientEndpoint,
                Links = Pages.ToDictionary(page => page.Path[1..], page => page.Path),
            },
            NodeEndpoints.Json);
    }

    private static bool WantsHtml(HttpRequest request) =>
        request.GetTypedHeaders().Accept.Any(accept =>
            accept.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase) && accept.Quality is not 0);

    private static string Html(NodeTopology topology, string role, string? leader, string? warning)
    {
        string title = Encode($"node-{topology.SelfId} of {topology.ClusterId}");
        var page = new StringBuilder();
        page.Append("<!DOCTYPE html>\n<html lang=\"en\">\n");
        page.Append($"<head><meta charset=\"utf-8\"><title>{title}</title></head>\n");
        page.Append($"<body>\n<h1>{title}</h1>\n");
        page.Append(warning is null ? "" : $"<p><strong>{Encode(warning)}</strong></p>\n");
        page.Append($"<p>KvCloud {Encode(NodeVersion.Text)}, {Encode(role)}");
        page.Append(role == HealthNames.Of(Consensus.Role.Leader) ? "" : $"; leader: {Encode(leader ?? "not known")}");
        page.Append($". Clients (Thrift): {Encode(topology.Self.ClientEndpoint)}</p>\n<ul>\n");
        foreach ((string path, string about) in Pages)
        {
            page.Append($"<li><a href=\"{path}\">{path}</a>: {Encode(about)}</li>\n");
        }

        return page.Append("</ul>\n</body>\n</html>\n").ToString();
    }

    private static string Encode(string text) => WebUtility.HtmlEncode(text);
}
