using KvCloud.LocalCluster;

namespace KvCloud.Tests.LocalCluster;

public sealed class TopologyTests
{
    [Fact]
    public void Create_defaults_threeReplicasOnTheDocumentedPorts()
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
    public void Create_oddGroup_thatMany(int replicas) =>
        Assert.Equal(replicas, Topology.Create(replicas).Replicas.Length);

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(9)]
    [InlineData(-1)]
    public void Create_otherGroup_refusedNamingTheSizes(int replicas)
    {
        LocalClusterException e = Assert.Throws<LocalClusterException>(() => Topology.Create(replicas));
        Assert.Contains($"{replicas}", e.Message, StringComparison.Ordinal);
        Assert.Contains("1, 3, 5, 7", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "thrift of node-0")]
    [InlineData(65_400, "http of node-0")]
    public void Create_portOutOfRange_namesIt(int basePort, string owner)
    {
        LocalClusterException e = Assert.Throws<LocalClusterException>(() => Topology.Create(thriftBase: basePort));
        Assert.Contains(owner, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_relativeDataRoot_madeAbsolute() =>
        Assert.Equal(Path.Combine(Environment.CurrentDirectory, "here"), Topology.Create(dataRoot: "here").DataRoot);

    [Fact]
    public void OnFreePorts_three_nineDifferentPorts()
    {
        var topology = Topology.OnFreePorts(3, "here");

        Assert.Equal(9, topology.Ports().Select(p => p.Port).Distinct().Count());
        Assert.Empty(PortCheck.Taken(topology));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public void OnFreePorts_otherGroup_refused(int replicas) =>
        Assert.Throws<LocalClusterException>(() => Topology.OnFreePorts(replicas, "here"));
}
