using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace KvCloud.Node.Diagnostics;

/// <summary>
/// Liveness: the consensus driver makes a step at least once per tick; it must have made one within
/// <see cref="StuckAfter"/>.
/// </summary>
/// <param name="lastStepMs">Environment.TickCount64 of the driver's last step.</param>
/// <param name="nowTickMs">Environment.TickCount64, or a test's clock.</param>
internal sealed class DriverAliveCheck(Func<long> lastStepMs, Func<long> nowTickMs) : IHealthCheck
{
    /// <summary>
    /// Many times the longest pause of a healthy replica (garbage collection, a stalled host), because an orchestrator
    /// may kill a process that is not alive.
    /// </summary>
    public static readonly TimeSpan StuckAfter = TimeSpan.FromSeconds(15);

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        long ageMs = nowTickMs() - lastStepMs();
        return Task.FromResult(ageMs <= StuckAfter.TotalMilliseconds
            ? HealthCheckResult.Healthy("consensus makes progress")
            : HealthCheckResult.Unhealthy($"consensus has made no step for {ageMs / 1000} s"));
    }
}
