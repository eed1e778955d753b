using KvCloud.Client;
using KvCloud.Client.Diagnostics;
using KvCloud.Client.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.ServiceDiscovery;

// Where Aspire's client integrations have their extensions, so that `builder.AddKvCloudClient` needs no using.
namespace Microsoft.Extensions.Hosting;

/// <summary>Registers <see cref="KvCloudClient"/> in an application.</summary>
public static class KvCloudClientExtensions
{
    private const string SectionName = "Aspire:KvCloud:Client";

    /// <summary>
    /// Registers a <see cref="KvCloudClient"/> as a singleton, with health check, logs, traces and metrics. Settings
    /// come from section `Aspire:KvCloud:Client`, then `Aspire:KvCloud:Client:NAME`, then the connection string NAME,
    /// then the delegate.
    /// </summary>
    /// <param name="builder">The application.</param>
    /// <param name="connectionName">Name of the connection string.</param>
    /// <param name="configureSettings">Changes the settings last; null: nothing to change.</param>
    /// <exception cref="ArgumentException">The name is empty, or <see cref="KvCloudClientSettings.HealthCheckTimeout"/>
    /// is no positive time. Other settings are checked when the client is created.</exception>
    public static void AddKvCloudClient(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<KvCloudClientSettings>? configureSettings = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(connectionName);
        Add(builder, connectionName, serviceKey: null, configureSettings);
    }

    /// <summary>
    /// As <see cref="AddKvCloudClient"/>, registered under the name as its key: for several clusters.
    /// </summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">Key of the service and name of the connection string.</param>
    /// <param name="configureSettings">Changes the settings last; null: nothing to change.</param>
    /// <exception cref="ArgumentException">As of <see cref="AddKvCloudClient"/>.</exception>
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
            builder.Services.AddSingleton(services => Create(services, settings, connectionName));
        }
        else
        {
            builder.Services.AddKeyedSingleton(serviceKey, (services, _) => Create(services, settings, connectionName));
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
            TryAddHealthCheck(builder, serviceKey, settings.HealthCheckTimeout);
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

    private static KvCloudClient Create(
        IServiceProvider services, KvCloudClientSettings settings, string connectionName)
    {
        if (string.IsNullOrWhiteSpace(settings.ConnectionString) && settings.Endpoints.Count == 0)
        {
            throw new InvalidOperationException(
                $"No endpoint of the cluster is configured: set 'ConnectionStrings:{connectionName}' or "
                + $"'{SectionName}:{connectionName}:{nameof(settings.Endpoints)}'.");
        }

        return new KvCloudClient(
            settings, services.GetService<ServiceEndpointResolver>(), services.GetService<ILoggerFactory>());
    }

    /// <summary>One check for a name: two of one name would make every health report throw.</summary>
    private static void TryAddHealthCheck(IHostApplicationBuilder builder, string? serviceKey, TimeSpan timeout)
    {
        if (timeout <= TimeSpan.Zero)
        {
            throw new ArgumentException(
                $"Setting {nameof(KvCloudClientSettings.HealthCheckTimeout)} must be a positive time, not {timeout}.");
        }

        string name = serviceKey is null ? "KvCloud.Client" : $"KvCloud.Client_{serviceKey}";
        if (!builder.Properties.TryAdd($"KvCloud.HealthChecks.{name}", true))
        {
            return;
        }

        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
            name,
            provider => new KvCloudHealthCheck(
                serviceKey is null
                    ? provider.GetRequiredService<KvCloudClient>()
                    : provider.GetRequiredKeyedService<KvCloudClient>(serviceKey)),
            failureStatus: null,
            tags: null,
            timeout));
    }
}
