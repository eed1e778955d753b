using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.KvCloud;

/// <summary>
/// A replica is healthy while its /health says so. Aspire's own check would not trust its certificate.
/// </summary>
internal sealed class ReplicaHealthCheck(KvCloudResource cluster, KvCloudReplica replica) : IHealthCheck
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(4);

    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!replica.HttpEndpoint.IsAllocated)
        {
            return HealthCheckResult.Unhealthy($"{replica.Name} has not started");
        }

        try
        {
            using HttpResponseMessage answer = await cluster.Http
                .GetAsync(replica, "/health", Timeout, cancellationToken).ConfigureAwait(false);
            return answer.IsSuccessStatusCode
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy($"/health of {replica.Name} answers {(int)answer.StatusCode}");
        }
        catch (HttpRequestException failure)
        {
            return HealthCheckResult.Unhealthy($"/health of {replica.Name} does not answer: {failure.Message}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy(
                $"/health of {replica.Name} does not answer within {Timeout.TotalSeconds} s");
        }
    }
}
