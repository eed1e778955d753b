using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace KvCloud.Node.Diagnostics;

/// <summary>Alive: the consensus loop has turned within <see cref="Patience"/>. A node that still starts is alive.</summary>
internal sealed class DriverAliveCheck(DriverPulse pulse) : IHealthCheck
{
    /// <summary>
    /// Many times the longest pause of a loop that is well (garbage collection, a stalled host), for an orchestrator may
    /// kill what is not alive.
    /// </summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(pulse.Age switch
        {
            null => HealthCheckResult.Healthy("the replica is starting"),
            { } age when age <= Patience => HealthCheckResult.Healthy("the consensus loop turns"),
            { } age => HealthCheckResult.Unhealthy($"the consensus loop has not turned for {(long)age.TotalSeconds} s"),
        });
}
