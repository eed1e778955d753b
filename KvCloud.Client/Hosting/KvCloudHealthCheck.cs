using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace KvCloud.Client.Hosting;

/// <summary>
/// Healthy: the cluster answers and has a leader. Degraded: it answers and works, but part of it is not healthy.
/// </summary>
internal sealed class KvCloudHealthCheck(KvCloudClient client) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            KvClusterHealth health = await client.GetClusterHealthAsync(null, cancellationToken).ConfigureAwait(false);
            string summary = $"{health.HealthyNodes} of {health.Nodes.Count} replicas are healthy";
            if (health.Leader is null)
            {
                return new HealthCheckResult(context.Registration.FailureStatus, $"no leader; {summary}");
            }

            return health.HealthyNodes == health.Nodes.Count
                ? HealthCheckResult.Healthy(summary)
                : HealthCheckResult.Degraded(summary);
        }
        catch (KvCloudException exception)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, exception.Message, exception);
        }
    }
}
