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

// In the namespace of the builders it extends, as in every Aspire solution, so that a program needs no using for it.
namespace Microsoft.Extensions.Hosting;

/// <summary>
/// What every service of the application has: telemetry, health endpoints, service discovery, HTTP clients that
/// retry.
/// </summary>
public static class Extensions
{
    /// <summary>Ready to serve: every health check passes.</summary>
    public const string HealthPath = "/health";

    /// <summary>The process is alive and answers: the checks tagged <see cref="LiveTag"/> pass.</summary>
    public const string AlivePath = "/alive";

    /// <summary>
    /// What orchestrators, Prometheus and the AppHost ask for every few seconds, in every service that has it.
    /// </summary>
    private static readonly string[] PolledPaths = [HealthPath, AlivePath, "/metrics", "/status"];

    /// <summary>Tag of the checks that say whether the process had better be restarted.</summary>
    public const string LiveTag = "live";

    /// <summary>Meters and activity sources of the product, by the wildcard that OpenTelemetry understands.</summary>
    private const string OwnInstruments = "KvCloud.*";

    /// <summary>All of it. Call it before the services that use it are added.</summary>
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

    /// <summary>Logs, metrics and traces; exported by OTLP where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> says so.</summary>
    public static TBuilder ConfigureOpenTelemetry<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
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

        // Orchestrators name the resource by this variable (node-0, ...); what is added in code would win over it.
        if (string.IsNullOrWhiteSpace(builder.Configuration["OTEL_SERVICE_NAME"]))
        {
            telemetry.ConfigureResource(resource => resource.AddService(builder.Environment.ApplicationName));
        }

        if (!string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
        {
            // Only here: a tracer provider listens to every source, and each call would pay for spans that go nowhere.
            telemetry.WithTracing(tracing => tracing
                .AddSource(builder.Environment.ApplicationName)
                .AddSource(OwnInstruments)
                // Orchestrators ask for health every few seconds; their questions would drown the rest.
                .AddAspNetCoreInstrumentation(options => options.Filter = context => !IsPolled(context.Request.Path))
                .AddHttpClientInstrumentation());
            telemetry.UseOtlpExporter();
            builder.Services.AddHostedService<TelemetryShutdown>();
        }

        return builder;
    }

    /// <summary>
    /// A service is alive as soon as it answers at all; what makes it ready is added by the service itself.
    /// </summary>
    public static TBuilder AddDefaultHealthChecks<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), [LiveTag]);
        return builder;
    }

    /// <summary>
    /// Maps <see cref="HealthPath"/> and <see cref="AlivePath"/>, in every environment and not in Development alone:
    /// the orchestrators (Compose, Kubernetes, our own) decide by them whether a replica is ready or is to be
    /// restarted, nowhere more than in production. They tell names and states of checks and what those put into their
    /// details, never an exception, and are meant for a port that is not public.
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
