using System.Text.Json;
using KvCloud.LocalCluster;

namespace KvCloud.Tests.LocalCluster;

public sealed class HealthProbeTests
{
    [Theory]
    [InlineData(
        """{"answered_by":1,"nodes":[{"node_id":0,"role":"leader"},{"node_id":1,"role":"follower"}]}""", "follower")]
    [InlineData("""{"answered_by":1,"nodes":[{"node_id":0,"role":"leader"}]}""", null)]
    [InlineData("""{"answered_by":1}""", null)]
    [InlineData("""{"nodes":[]}""", null)]
    [InlineData("""[]""", null)]
    public void RoleIn_status_is_that_of_the_node_that_answers(string json, string? role)
    {
        using var status = JsonDocument.Parse(json);
        Assert.Equal(role, HealthProbe.RoleIn(status.RootElement));
    }

    [Theory]
    [InlineData("""{"status":"unhealthy","checks":{"replica":{"details":{"role":"candidate"}}}}""", "candidate")]
    [InlineData("""{"status":"healthy","checks":{"self":{"details":{}}}}""", null)]
    [InlineData("""{"code":"UNAUTHENTICATED","message":"log in"}""", null)]
    [InlineData("[]", null)]
    public void RoleInHealth_of_an_answer_is_the_replicas_own(string answer, string? role)
    {
        using var health = JsonDocument.Parse(answer);

        Assert.Equal(role, HealthProbe.RoleInHealth(health.RootElement));
    }
}
