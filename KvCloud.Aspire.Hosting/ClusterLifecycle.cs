using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.KvCloud;

/// <summary>
/// The life cycle of the cluster's resource: checks before the start, monitoring, and a health check for a leader.
/// </summary>
internal static class ClusterLifecycle
{
    private const string ResourceType = "KvCloud";

    public static IResourceBuilder<KvCloudResource> WithClusterLifecycle(this IResourceBuilder<KvCloudResource> builder)
    {
        // In a manifest, a resource with a connection string is only a value that others reference; nothing runs.
        if (builder.ApplicationBuilder.ExecutionContext.IsPublishMode)
        {
            return builder;
        }

        KvCloudResource cluster = builder.Resource;
        builder.ApplicationBuilder.OnBeforeStart((start, _) =>
        {
            CheckBeforeStart(cluster, start.Services);
            return Task.CompletedTask;
        });
        string check = $"{cluster.Name}_check";
        builder.ApplicationBuilder.Services.AddHealthChecks().AddCheck(check, () => Judge(cluster));
        return builder
            .WithInitialState(new CustomResourceSnapshot
            {
                ResourceType = ResourceType,
                State = KnownResourceStates.NotStarted,
                Properties = [],
            })
            .WithIconName("DatabaseMultiple")
            .WithHealthCheck(check)
            .OnInitializeResource((resource, start, cancellationToken) => StartAsync(resource, start));
    }

    internal static HealthCheckResult Judge(KvCloudResource cluster)
    {
        ClusterStatus status = cluster.Status;
        string answering = $"{status.Answering} of {cluster.Replicas.Count} replicas answer";
        return status.Leader is { } leader
            ? HealthCheckResult.Healthy($"{cluster.Replicas[leader].Name} leads, {answering}")
            : HealthCheckResult.Unhealthy($"no leader with a majority, {answering}");
    }

    /// <summary>
    /// Reports all occupied ports in one sentence before the start, instead of letting replicas fail one after another.
    /// </summary>
    private static void CheckBeforeStart(KvCloudResource cluster, IServiceProvider services)
    {
        string[] taken =
        [
            .. cluster.Replicas.Select(replica => replica.Resource)
                .Concat(cluster.Console is { } console ? [console] : [])
                .SelectMany(resource => resource.Annotations.OfType<EndpointAnnotation>(), (resource, endpoint) =>
                    (Resource: resource.Name, endpoint.Name, Port: endpoint.Port ?? 0))
                .Where(endpoint => endpoint.Port > 0 && !ReplicaPorts.IsFree(endpoint.Port))
                .Select(endpoint => $"{ReplicaSettings.Text(endpoint.Port)} ({endpoint.Name} of {endpoint.Resource})"),
        ];
        if (taken.Length > 0)
        {
            throw new DistributedApplicationException(
                $"KvCloud '{cluster.Name}': already in use: {(taken.Length == 1 ? "port" : "ports")} "
                + $"{string.Join(", ", taken)}. Stop what listens there, or choose other ports.");
        }

        cluster.Data.Open(cluster.Replicas.Count);
        cluster.Certificates?.Open();
        services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopped.Register(cluster.Data.Dispose);
    }

    private static async Task StartAsync(KvCloudResource cluster, InitializeResourceEvent start)
    {
        IServiceProvider services = start.Services;
        await start.Eventing.PublishAsync(new BeforeResourceStartedEvent(cluster, services)).ConfigureAwait(false);
        await start.Notifications
            .PublishUpdateAsync(cluster, snapshot => snapshot with { State = KnownResourceStates.Starting })
            .ConfigureAwait(false);
        await start.Eventing.PublishAsync(new ConnectionStringAvailableEvent(cluster, services)).ConfigureAwait(false);
        var monitor = new ClusterMonitor(cluster, start.Notifications, start.Logger);
        await monitor
            .RunAsync(services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping)
            .ConfigureAwait(false);
    }
}
