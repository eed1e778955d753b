using KvCloud.Node.Diagnostics;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Time.Testing;

namespace KvCloud.Tests.Node.Diagnostics;

public sealed class DriverAliveCheckTests
{
    [Fact]
    public async Task CheckHealthAsync_is_alive_while_the_loop_turns()
    {
        FakeTimeProvider time = new();
        DriverPulse pulse = new(time);
        DriverAliveCheck check = new(pulse);
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal("the replica is starting", (await Check(check)).Description);

        pulse.Beat();
        time.Advance(DriverAliveCheck.Patience);
        Assert.Equal(HealthStatus.Healthy, (await Check(check)).Status);

        time.Advance(TimeSpan.FromSeconds(1));
        HealthCheckResult dead = await Check(check);
        Assert.Equal(HealthStatus.Unhealthy, dead.Status);
        Assert.Equal("the consensus loop has not turned for 16 s", dead.Description);

        pulse.Beat();
        Assert.Equal(HealthStatus.Healthy, (await Check(check)).Status);
    }

    private static Task<HealthCheckResult> Check(DriverAliveCheck check) => check.CheckHealthAsync(new HealthCheckContext());
}
