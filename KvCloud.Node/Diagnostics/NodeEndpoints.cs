using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using KvCloud.Node.Cluster;
using KvCloud.Node.Configuration;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.DependencyInjection.Extensions;
using OpenTelemetry.Metrics;

namespace KvCloud.Node.Diagnostics;

/// <summary>What HTTP tells of this node: /health, /alive, /metrics and /status.</summary>
internal static class NodeEndpoints
{
    /// <summary>Tag of checks that tell whether the process is alive at all.</summary>
    public const string LiveTag = "live";

    /// <summary>Tag of checks that tell whether it should be given work.</summary>
    public const string ReadyTag = "ready";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
    };

    /// <summary>
    /// Adds health checks, the replica's gauges, the Prometheus exporter, the watch over the parent process and
    /// <see cref="FatalStop"/>. Needs AddClusterManager.
    /// </summary>
    /// <param name="lastTurnTickMs">Environment.TickCount64 of the last turn of the consensus loop.</param>
    public static IServiceCollection AddNodeDiagnostics(
        this IServiceCollection services, Func<IServiceProvider, long> lastTurnTickMs)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<FatalStop>();
        services.AddSingleton<ReplicaMetrics>();
        services.AddHostedService<ParentWatch>();
        services.AddHealthChecks()
            .AddCheck<ReplicaReadyCheck>("replica", tags: [ReadyTag])
            .Add(new HealthCheckRegistration(
                "driver",
                provider => new DriverAliveCheck(() => lastTurnTickMs(provider), () => Environment.TickCount64),
                failureStatus: null,
                tags: [LiveTag]));
        services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddMeter(MeterNames.Wildcard)
            .AddPrometheusExporter());
        return services;
    }

    /// <summary>Listens for HTTP where the configuration says.</summary>
    public static void ListenNodeHttp(this KestrelServerOptions kestrel, NodeTopology topology) =>
        kestrel.ListenAt(
            topology.ListenAddress, topology.HttpPort, listen => listen.Protocols = HttpProtocols.Http1);

    /// <summary>Listens at an IP address, "localhost" (both families) or "*" (all).</summary>
    public static void ListenAt(
        this KestrelServerOptions kestrel, string address, int port, Action<ListenOptions> configure)
    {
        switch (address)
        {
            case "*":
                kestrel.ListenAnyIP(port, configure);
                break;
            case "localhost":
                kestrel.ListenLocalhost(port, configure);
                break;
            default:
                kestrel.Listen(System.Net.IPAddress.Parse(address), port, configure);
                break;
        }
    }

    /// <summary>Maps the four paths. Takes the place of MapDefaultEndpoints, whose /health tells no details.</summary>
    public static void MapNodeEndpoints(this WebApplication app)
    {
        // Instruments exist only once somebody has made them.
        app.Services.GetRequiredService<ReplicaMetrics>();
        app.MapHealthChecks("/health", new HealthCheckOptions { ResponseWriter = WriteHealthAsync });
        app.MapHealthChecks("/alive", new HealthCheckOptions
        {
            Predicate = check => check.Tags.Contains(LiveTag),
            ResponseWriter = WriteHealthAsync,
        });
        app.MapPrometheusScrapingEndpoint("/metrics");
        app.MapGet("/status", (ClusterManager cluster, ClusterFeeds feeds) => Results.Json(StatusOf(cluster, feeds), Json));
    }

    private static object StatusOf(ClusterManager cluster, ClusterFeeds feeds)
    {
        ClusterView view = cluster.View;
        return new
        {
            view.ClusterId,
            AnsweredBy = view.SelfId,
            Version = NodeVersion.Text,
            view.Status,
            view.LeaderId,
            view.Term,
            LeaderEndpoint = view.Leader?.ClientEndpoint,
            Nodes = view.Nodes.Select(node => new
            {
                node.NodeId,
                Health = HealthNames.Of(node.Health),
                node.HealthReason,
                node.Role,
                node.IsLeader,
                node.ClientEndpoint,
                node.PeerEndpoint,
                node.HttpEndpoint,
                LastSeen = node.LastSeenUnixMs == 0
                    ? null
                    : DateTimeOffset.FromUnixTimeMilliseconds(node.LastSeenUnixMs).ToString("O", CultureInfo.InvariantCulture),
                node.Term,
                node.UptimeSeconds,
                node.AppliedSlot,
                node.ChosenSlot,
                LagSlots = Math.Max(0, node.ChosenSlot - node.AppliedSlot),
                node.AppliedVersion,
            }),
            Links = feeds.Links().Select(link => new
            {
                Peer = link.Peer.Value,
                link.Endpoint,
                link.IsConnected,
                link.RefusedReason,
                link.SentBytes,
                link.ReceivedBytes,
                link.DroppedMessages,
            }),
        };
    }

    private static Task WriteHealthAsync(HttpContext context, HealthReport report) =>
        context.Response.WriteAsJsonAsync(
            new
            {
                Status = report.Status.ToString().ToLowerInvariant(),
                Checks = report.Entries.ToDictionary(entry => entry.Key, entry => new
                {
                    Status = entry.Value.Status.ToString().ToLowerInvariant(),
                    entry.Value.Description,
                    Details = entry.Value.Data.Count == 0 ? null : entry.Value.Data,
                }),
            },
            Json,
            context.RequestAborted);
}
