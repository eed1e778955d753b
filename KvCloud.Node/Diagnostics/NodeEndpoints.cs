using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using KvCloud.Node.Cluster;
using KvCloud.Node.Configuration;
using KvCloud.Node.History;
using KvCloud.Node.Replication;
using KvCloud.Node.Telemetry;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using OpenTelemetry.Metrics;

namespace KvCloud.Node.Diagnostics;

/// <summary>
/// The node's HTTP endpoints: /, /health, /alive, /metrics and /status; those of <see cref="HistoryEndpoints"/>.
/// </summary>
internal static class NodeEndpoints
{
    /// <summary>Tag of the checks that decide whether the node is ready for requests.</summary>
    public const string ReadyTag = "ready";

    /// <summary>JSON options of this node's HTTP answers.</summary>
    public static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
    };

    /// <summary>
    /// Registers health checks, the replica's gauges, the Prometheus exporter, the parent process watch and
    /// <see cref="FatalStop"/>. Requires AddServiceDefaults and AddClusterManager.
    /// </summary>
    /// <param name="lastStepMs">
    /// Environment.TickCount64 of the last consensus step; null uses the <see cref="ConsensusDriver"/>.
    /// </param>
    public static IServiceCollection AddNodeDiagnostics(
        this IServiceCollection services, Func<IServiceProvider, long>? lastStepMs = null)
    {
        lastStepMs ??= provider => provider.GetRequiredService<ConsensusDriver>().LastStepMs;
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<EventHistory>();
        services.TryAddSingleton<LogHistory>();
        services.AddSingleton<FatalStop>();
        services.AddSingleton<ReplicaMetrics>();
        services.AddHostedService<ParentWatch>();
        services.AddHealthChecks()
            .AddCheck<ReplicaReadyCheck>("replica", tags: [ReadyTag])
            .AddCheck<SecurityCheck>("security", tags: [ReadyTag])
            .Add(new HealthCheckRegistration(
                "driver",
                provider => new DriverAliveCheck(() => lastStepMs(provider), () => Environment.TickCount64),
                failureStatus: null,
                tags: [Extensions.LiveTag]));
        services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddPrometheusExporter());
        return services;
    }

    /// <summary>Listens for HTTP on the configured address and port.</summary>
    public static void ListenNodeHttp(
        this KestrelServerOptions kestrel, NodeTopology topology, HttpConnections connections) =>
        kestrel.ListenAt(topology.ListenAddress, topology.HttpPort, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            connections.Guard(listen);
        });

    /// <summary>Listens on an IP address, "localhost" (both families) or "*" (all).</summary>
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

    /// <summary>
    /// Maps /health and /alive, which every service has, /metrics, /status, what the node remembers, and / with links.
    /// </summary>
    public static void MapNodeEndpoints(this WebApplication app)
    {
        // The gauges exist only once this object has been created.
        app.Services.GetRequiredService<ReplicaMetrics>();
        app.UseHttpAccess();
        app.MapDefaultEndpoints();
        app.MapRootPage();
        app.MapPrometheusScrapingEndpoint("/metrics");
        app.MapGet(
            "/status", (ClusterManager cluster, ClusterFeeds feeds) => Results.Json(StatusOf(cluster, feeds), Json));
        app.MapHistory();
    }

    private static object StatusOf(ClusterManager cluster, ClusterFeeds feeds)
    {
        ClusterView view = cluster.Now();
        return new
        {
            view.ClusterId,
            AnsweredBy = view.SelfId,
            Version = NodeVersion.Text,
            Environment.ProcessId,
            view.Status,
            view.LeaderId,
            view.Term,
            view.FeatureLevel,
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
                LastSeen = Time(node.LastSeenUnixMs),
                node.Term,
                node.UptimeSeconds,
                node.AppliedSlot,
                node.ChosenSlot,
                LagSlots = Math.Max(0, node.ChosenSlot - node.AppliedSlot),
                node.AppliedVersion,
                Version = node.Release?.Program,
                node.Release?.MinWire,
                node.Release?.MaxWire,
                SupportedFeatureLevel = node.Release?.SupportedLevel,
                AllowedFeatureLevel = node.Release?.AllowedLevel,
                node.FeatureLevel,
            }),
            Links = feeds.Links().Select(link => new
            {
                Peer = link.Peer.Value,
                link.Endpoint,
                link.IsConnected,
                link.WireVersion,
                link.RefusedReason,
                link.SentBytes,
                link.ReceivedBytes,
                link.DroppedMessages,
            }),
            Snapshot = feeds.Snapshot() is { } snapshot
                ? new
                {
                    From = snapshot.From.Value,
                    Slot = snapshot.Slot?.Value,
                    snapshot.DoneBytes,
                    snapshot.TotalBytes,
                    snapshot.Waits,
                }
                : null,
        };
    }

    private static string? Time(long unixMs) =>
        unixMs == 0
            ? null
            : DateTimeOffset.FromUnixTimeMilliseconds(unixMs).ToString("O", CultureInfo.InvariantCulture);
}
