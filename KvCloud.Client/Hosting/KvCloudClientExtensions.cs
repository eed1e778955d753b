using KvCloud.Client;
using KvCloud.Client.Diagnostics;
using KvCloud.Client.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.ServiceDiscovery;

// Where Aspire's client integrations have their extensions, so that `builder.AddKvCloudClient` needs no using.
namespace Microsoft.Extensions.Hosting;

/// <summary>Registers <see cref="KvCloudClient"/> in an application.</summary>
public static class KvCloudClientExtensions
{
    private const string SectionName = "KvCloud:Client";

    /// <summary>
    /// Registers a <see cref="KvCloudClient"/> as a singleton, with health check, traces and metrics. Settings come from
    /// section `KvCloud:Client`, then `KvCloud:Client:NAME`, then the connection string NAME, then the delegate.
    /// </summary>
    /// <param name="builder">The application.</param>
    /// <param name="connectionName">Name of the connection string.</param>
    /// <param name="configureSettings">Changes the settings last; null: nothing to change.</param>
    public static void AddKvCloudClient(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<KvCloudClientSettings>? configureSettings = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(connectionName);
        Add(builder, connectionName, serviceKey: null, configureSettings);
    }

    /// <summary>As <see cref="AddKvCloudClient"/>, registered under the name as its key: for several clusters.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">Key of the service and name of the connection string.</param>
    /// <param name="configureSettings">Changes the settings last; null: nothing to change.</param>
    public static void AddKeyedKvCloudClient(
        this IHostApplicationBuilder builder,
        string name,
        Action<KvCloudClientSettings>? configureSettings = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        Add(builder, name, serviceKey: name, configureSettings);
    }

    private static void Add(
        IHostApplicationBuilder builder,
        string connectionName,
        string? serviceKey,
        Action<KvCloudClientSettings>? configureSettings)
    {
        KvCloudClientSettings settings = ReadSettings(builder.Configuration, connectionName);
        configureSettings?.Invoke(settings);

        // The resolver is there when the application has called AddServiceDiscovery.
        if (serviceKey is null)
        {
            builder.Services.AddSingleton(services => Create(services, settings));
        }
        else
        {
            builder.Services.AddKeyedSingleton(serviceKey, (services, _) => Create(services, settings));
        }

        if (!settings.DisableTracing)
        {
            builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddSource(ClientTelemetry.Name));
        }

        if (!settings.DisableMetrics)
        {
            builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter(ClientTelemetry.Name));
        }

        if (!settings.DisableHealthChecks)
        {
            AddHealthCheck(builder.Services, serviceKey);
        }
    }

    private static KvCloudClientSettings ReadSettings(IConfiguration configuration, string connectionName)
    {
        var settings = new KvCloudClientSettings();
        IConfigurationSection section = configuration.GetSection(SectionName);
        IConfigurationSection named = section.GetSection(connectionName);
        section.Bind(settings);
        if (named.GetSection(nameof(settings.Endpoints)).Exists())
        {
            // A list would be appended to, not replaced.
            settings.Endpoints.Clear();
        }

        named.Bind(settings);
        if (configuration.GetConnectionString(connectionName) is { Length: > 0 } connectionString)
        {
            settings.ConnectionString = connectionString;
        }

        return settings;
    }

    private static KvCloudClient Create(IServiceProvider services, KvCloudClientSettings settings) =>
        new(settings, services.GetService<ServiceEndpointResolver>());

    private static void AddHealthCheck(IServiceCollection services, string? serviceKey)
    {
        string name = serviceKey is null ? "KvCloud.Client" : $"KvCloud.Client_{serviceKey}";
        services.AddHealthChecks().Add(new HealthCheckRegistration(
            name,
            provider => new KvCloudHealthCheck(
                serviceKey is null
                    ? provider.GetRequiredService<KvCloudClient>()
                    : provider.GetRequiredKeyedService<KvCloudClient>(serviceKey)),
            failureStatus: null,
            tags: null));
    }
}
