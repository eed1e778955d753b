using System.Text.Json;
using KvCloud.LocalCluster;

namespace KvCloud.Tests.LocalCluster;

public sealed class EndpointTableTests
{
    [Fact]
    public void Render_oneReplica_columnsAlign()
    {
        string table = EndpointTable.Render(Topology.Create(1), ["leader"], [4711]);

        Assert.Equal(
            """
              node    role    thrift (clients)  peer (replicas)  http (health, metrics)        pid
              ------  ------  ----------------  ---------------  ----------------------------  ----
              node-0  leader  127.0.0.1:9090    127.0.0.1:9190   http://127.0.0.1:9290/health  4711

            """,
            table);
    }

    [Fact]
    public void Render_unknown_dash()
    {
        string table = EndpointTable.Render(Topology.Create(1), [null], [null]);
        Assert.Contains("node-0  -     ", table, StringComparison.Ordinal);
        Assert.EndsWith($"health  -{Environment.NewLine}", table, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"checks":{"self":{"details":null},"replica":{"details":{"role":"Leader"}}}}""", "leader")]
    [InlineData("""{"status":"healthy","checks":{"self":{"status":"healthy"}}}""", null)]
    [InlineData("""{"checks":[]}""", null)]
    [InlineData("""[]""", null)]
    public void RoleIn_healthReport_ofTheCheckThatSaysSo(string json, string? role)
    {
        using JsonDocument report = JsonDocument.Parse(json);
        Assert.Equal(role, HealthProbe.RoleIn(report.RootElement));
    }
}
