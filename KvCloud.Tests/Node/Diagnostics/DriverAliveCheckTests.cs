using KvCloud.Node.Diagnostics;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace KvCloud.Tests.Node.Diagnostics;

public sealed class DriverAliveCheckTests
{
    [Theory]
    [InlineData(1000, HealthStatus.Healthy, "consensus makes progress")]
    [InlineData(16_000, HealthStatus.Healthy, "consensus makes progress")]
    [InlineData(16_001, HealthStatus.Unhealthy, "consensus has made no step for 15 s")]
    public async Task CheckHealthAsync_is_alive_while_the_loop_refreshes(
        long nowMs, HealthStatus status, string description)
    {
        DriverAliveCheck check = new(() => 1000, () => nowMs);

        HealthCheckResult result = await check.CheckHealthAsync(new HealthCheckContext());

        Assert.Equal((status, description), (result.Status, result.Description));
    }
}
