using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace KvCloud.Node.Diagnostics;

/// <summary>
/// Alive: the consensus loop, which turns at least once a tick, has turned within <see cref="Patience"/>.
/// </summary>
/// <param name="lastTurnTickMs">Environment.TickCount64 of the loop's last turn.</param>
/// <param name="nowTickMs">Environment.TickCount64, or a test's clock.</param>
internal sealed class DriverAliveCheck(Func<long> lastTurnTickMs, Func<long> nowTickMs) : IHealthCheck
{
    /// <summary>
    /// Many times the longest pause of a loop that is well (garbage collection, a stalled host), for an orchestrator
    /// may kill what is not alive.
    /// </summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        long ageMs = nowTickMs() - lastTurnTickMs();
        return Task.FromResult(ageMs <= Patience.TotalMilliseconds
            ? HealthCheckResult.Healthy("the consensus loop turns")
            : HealthCheckResult.Unhealthy($"the consensus loop has not turned for {ageMs / 1000} s"));
    }
}
