using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

// In the namespace of the builders it extends, as in every Aspire solution, so that programs need no using directive.
namespace Microsoft.Extensions.Hosting;

/// <summary>
/// Defaults of every service of the application: telemetry, health endpoints, service discovery, and HTTP clients with
/// retries.
/// </summary>
public static class Extensions
{
    /// <summary>Readiness: every health check passes.</summary>
    public const string HealthPath = "/health";

    /// <summary>Liveness: the process answers, and the checks tagged <see cref="LiveTag"/> pass.</summary>
    public const string AlivePath = "/alive";

    /// <summary>Paths that orchestrators, Prometheus and the AppHost poll every few seconds.</summary>
    private static readonly string[] PolledPaths = [HealthPath, AlivePath, "/metrics", "/status"];

    /// <summary>Tag of the checks that decide whether the process should be restarted.</summary>
    public const string LiveTag = "live";

    private const string EventIdSwitch = "OTEL_DOTNET_EXPERIMENTAL_OTLP_EMIT_EVENT_LOG_ATTRIBUTES";

    /// <summary>Wildcard for the meters and activity sources of this product.</summary>
    private const string OwnInstruments = "KvCloud.*";

    /// <summary>Adds all defaults. Must be called before the services that use them are added.</summary>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.ConfigureOpenTelemetry();
        builder.AddDefaultHealthChecks();
        builder.Services.AddServiceDiscovery();
        builder.Services.ConfigureHttpClientDefaults(http =>
        {
            http.AddStandardResilienceHandler();
            http.AddServiceDiscovery();
        });
        return builder;
    }

    /// <summary>Logs, metrics and traces, exported by OTLP if <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set.</summary>
    public static TBuilder ConfigureOpenTelemetry<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        // By OTLP a line has its event id only so; the specification has no field for it.
        builder.Configuration[EventIdSwitch] ??= "true";
        builder.Logging.AddOpenTelemetry(logging =>
        {
            logging.IncludeFormattedMessage = true;
            logging.IncludeScopes = true;
        });

        OpenTelemetryBuilder telemetry = builder.Services.AddOpenTelemetry()
            .WithMetrics(metrics => metrics
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation()
                .AddMeter(OwnInstruments));

        // Orchestrators set this variable to the resource's name (node-0, ...); a name added in code would override it.
        if (string.IsNullOrWhiteSpace(builder.Configuration["OTEL_SERVICE_NAME"]))
        {
            telemetry.ConfigureResource(resource => resource.AddService(builder.Environment.ApplicationName));
        }

        if (!string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
        {
            // Only if they are exported: a tracer provider listens to every source, and each call would pay for unused
            // spans.
            telemetry.WithTracing(tracing => tracing
                .AddSource(builder.Environment.ApplicationName)
                .AddSource(OwnInstruments)
                // Orchestrators poll health every few seconds; traces of these requests would drown the others.
                .AddAspNetCoreInstrumentation(options => options.Filter = context => !IsPolled(context.Request.Path))
                .AddHttpClientInstrumentation());
            telemetry.UseOtlpExporter();
            builder.Services.AddHostedService<TelemetryShutdown>();
        }

        return builder;
    }

    /// <summary>
    /// A service is alive if it answers at all; the service itself adds the checks that make it ready.
    /// </summary>
    public static TBuilder AddDefaultHealthChecks<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), [LiveTag]);
        return builder;
    }

    /// <summary>
    /// Maps <see cref="HealthPath"/> and <see cref="AlivePath"/> in every environment, not only in Development:
    /// orchestrators (Compose, Kubernetes, our own) use them to decide whether a replica is ready or must be restarted,
    /// above all in production. The answers contain names, states and details of the checks but never an exception, and
    /// are meant for a port that is not public.
    /// </summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        app.MapHealthChecks(HealthPath, new HealthCheckOptions { ResponseWriter = WriteReportAsync });
        app.MapHealthChecks(AlivePath, new HealthCheckOptions
        {
            Predicate = check => check.Tags.Contains(LiveTag),
            ResponseWriter = WriteReportAsync,
        });
        return app;
    }

    private static bool IsPolled(PathString path) =>
        Array.Exists(PolledPaths, polled => path.StartsWithSegments(polled, StringComparison.Ordinal));

    /// <summary>
    /// <c>{"status":"healthy","checks":{"name":{"status":"healthy","description":"...","details":{...}}}}</c>
    /// </summary>
    private static async Task WriteReportAsync(HttpContext context, HealthReport report)
    {
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("status", NameOf(report.Status));
        json.WriteStartObject("checks");
        foreach ((string name, HealthReportEntry entry) in report.Entries)
        {
            json.WriteStartObject(name);
            json.WriteString("status", NameOf(entry.Status));
            if (entry.Description is { } description)
            {
                json.WriteString("description", description);
            }

            json.WriteStartObject("details");
            foreach ((string key, object value) in entry.Data)
            {
                json.WritePropertyName(key);
                JsonSerializer.Serialize(json, value, value.GetType());
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
        await json.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    private static string NameOf(HealthStatus status) => status switch
    {
        HealthStatus.Healthy => "healthy",
        HealthStatus.Degraded => "degraded",
        _ => "unhealthy",
    };
}
