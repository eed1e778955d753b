using KvCloud.Cli.Demo;
using KvCloud.LocalCluster;

namespace KvCloud.Tests.Cli;

public sealed class EndpointTableTests
{
    [Fact]
    public void Render_one_replica_aligns_columns()
    {
        string table = EndpointTable.Render(Topology.Create(1), ["leader"], [4711]);

        Assert.Equal(
            """
              node    role    clients         http (health, metrics)        pid
              ------  ------  --------------  ----------------------------  ----
              node-0  leader  127.0.0.1:9090  http://127.0.0.1:9290/health  4711

            """,
            table);
    }

    [Fact]
    public void Render_unknown_is_a_dash()
    {
        string table = EndpointTable.Render(Topology.Create(1), [null], [null]);
        Assert.Contains("node-0  -     ", table, StringComparison.Ordinal);
        Assert.EndsWith($"health  -{Environment.NewLine}", table, StringComparison.Ordinal);
    }
}
