using KvCloud.LocalCluster;

namespace KvCloud.Tests.LocalCluster;

public sealed class TopologyTests
{
    [Fact]
    public void Create_defaults_are_three_replicas_on_the_documented_ports()
    {
        var topology = Topology.Create();

        Assert.Equal<IEnumerable<Replica>>(
            [new Replica(0, 9090, 9190, 9290), new Replica(1, 9091, 9191, 9291), new Replica(2, 9092, 9192, 9292)],
            topology.Replicas);
        Assert.Equal(["node-0", "node-1", "node-2"], topology.Replicas.Select(r => r.Name));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(7)]
    public void Create_odd_group_has_that_many_replicas(int replicas) =>
        Assert.Equal(replicas, Topology.Create(replicas).Replicas.Length);

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(9)]
    [InlineData(-1)]
    public void Create_other_group_is_refused_naming_the_sizes(int replicas)
    {
        LocalClusterException e = Assert.Throws<LocalClusterException>(() => Topology.Create(replicas));
        Assert.Contains($"{replicas}", e.Message, StringComparison.Ordinal);
        Assert.Contains("1, 3, 5, 7", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "thrift of node-0")]
    [InlineData(65_400, "http of node-0")]
    public void Create_port_out_of_range_names_it(int basePort, string owner)
    {
        LocalClusterException e = Assert.Throws<LocalClusterException>(() => Topology.Create(thriftBase: basePort));
        Assert.Contains(owner, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_relative_data_root_is_made_absolute() =>
        Assert.Equal(Path.Combine(Environment.CurrentDirectory, "here"), Topology.Create(dataRoot: "here").DataRoot);

    [Fact]
    public void OnFreePorts_of_three_replicas_has_nine_different_ports()
    {
        var topology = Topology.OnFreePorts(3, "here");

        Assert.Equal(9, topology.Ports().Select(p => p.Port).Distinct().Count());
        Assert.Empty(PortCheck.Taken(topology));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public void OnFreePorts_other_group_is_refused(int replicas) =>
        Assert.Throws<LocalClusterException>(() => Topology.OnFreePorts(replicas, "here"));
}
