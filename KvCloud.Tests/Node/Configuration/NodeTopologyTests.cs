using KvCloud.Consensus;
using KvCloud.Node.Configuration;

namespace KvCloud.Tests.Node.Configuration;

public sealed class NodeTopologyTests
{
    [Fact]
    public void From_replica_endpoints_alone_derives_the_other_ports()
    {
        var topology = NodeTopology.From(Replicated(1));

        Assert.Equal((9091, 9191, 9291), (topology.ThriftPort, topology.PeerPort, topology.HttpPort));
        Assert.Equal("localhost", topology.ListenAddress);
        Assert.Equal("localhost:9192", topology.Replicas[2].PeerEndpoint);
        Assert.Equal("localhost:9292", topology.Replicas[2].HttpEndpoint);
    }

    [Fact]
    public void From_another_host_listens_everywhere()
    {
        NodeOptions options = Replicated(0) with
        {
            Deployment = new DeploymentOptions
            {
                Mode = DeploymentMode.Replicated,
                ReplicaEndpoints = ["kv-0.example:9090", "kv-1.example:9090", "kv-2.example:9090"],
            },
        };

        Assert.Equal("*", NodeTopology.From(options).ListenAddress);
    }

    [Fact]
    public void From_standalone_is_a_group_of_one()
    {
        var topology = NodeTopology.From(new NodeOptions());

        ReplicaEndpoints only = Assert.Single(topology.Replicas);
        Assert.Equal(new ReplicaEndpoints(0, "localhost:9090", "localhost:9190", 9190, "localhost:9290"), only);
    }

    [Fact]
    public void AsOwnerOfDirectory_of_a_replacement_id_joins_with_the_endpoints_of_the_lost_one()
    {
        NodeOptions options = Replicated(1);
        options = options with { Deployment = options.Deployment with { ReplacementIds = [4, 5] } };
        var configured = NodeTopology.From(options);

        NodeTopology replacement = configured.AsOwnerOfDirectory(4);

        Assert.Equal((4, true), (replacement.SelfId, replacement.IsJoining));
        Assert.Empty(replacement.InitialVoters);
        Assert.Equal([0, 2, 4], replacement.Replicas.Select(replica => replica.NodeId));
        Assert.Equal(configured.Self with { NodeId = 4 }, replacement.Self);
        Assert.Equal(configured.DataDirectory, replacement.DataDirectory);
        Assert.Equal([1], replacement.Ids.Former);
        Assert.Equal([1, 4], configured.AsOwnerOfDirectory(5).Ids.Former);
        Assert.True(replacement.Ids.IsReplacement);
        Assert.False(configured.Ids.IsReplacement);
        Assert.All((int?[])[null, 1, 2, 6], owner => Assert.Same(configured, configured.AsOwnerOfDirectory(owner)));
    }

    [Theory]
    [InlineData(400, 50, 40, 20, 5, 31)]
    [InlineData(1000, 100, 100, 50, 10, 80)]
    public void ToPaxosConfig_times_become_ticks(
        int electionMs, int heartbeatMs, int election, int jitter, int heartbeat, int lease)
    {
        NodeOptions options = Replicated(2) with
        {
            Consensus = new ConsensusOptions { ElectionTimeoutMs = electionMs, HeartbeatIntervalMs = heartbeatMs },
        };

        var config = options.ToPaxosConfig(NodeTopology.From(options), seed: 7);

        config.Validate();
        Assert.Equal(new NodeId(2), config.Self);
        Assert.Equal(3, config.Voters.Count);
        Assert.Equal((election, jitter, heartbeat, lease),
            (config.ElectionTimeoutTicks, config.ElectionJitterTicks, config.HeartbeatTicks, config.LeaseTicks));
    }

    [Fact]
    public void ToPaxosConfig_without_lease_has_none()
    {
        NodeOptions options = Replicated(0) with { Consensus = new ConsensusOptions { LeaseEnabled = false } };

        Assert.Equal(0, options.ToPaxosConfig(NodeTopology.From(options), seed: 1).LeaseTicks);
    }

    [Theory]
    [InlineData("localhost:9090", "localhost", 9090)]
    [InlineData("tcp://10.0.0.1:80/", "10.0.0.1", 80)]
    [InlineData("[::1]:9090", "[::1]", 9090)]
    public void HostPort_of_a_literal_is_read(string text, string host, int port)
    {
        Assert.True(HostPort.TryParse(text, out HostPort? endpoint));
        Assert.Equal(new HostPort(host, port), endpoint);
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData(":9090")]
    [InlineData("localhost:0")]
    [InlineData("localhost:65536")]
    [InlineData("localhost:+1")]
    [InlineData("_peer.node-1")]
    [InlineData("a b:1")]
    [InlineData("")]
    public void HostPort_of_what_is_none_is_refused(string text) => Assert.False(HostPort.TryParse(text, out _));

    [Fact]
    public void From_entries_that_name_their_ids_has_those_nodes_and_no_voters_to_begin_with()
    {
        var topology = NodeTopology.From(new NodeOptions
        {
            Deployment = new DeploymentOptions
            {
                Mode = DeploymentMode.Replicated,
                Join = true,
                InstanceId = 4100,
                ReplicaEndpoints = ["4100=localhost:9300", "2=host2:9092", "77=host77:9090"],
            },
            Consensus = new ConsensusOptions
            {
                Endpoints = ["77=host77:7000", "4100=localhost:9301", "2=_peer.node-2"],
            },
        });

        Assert.Equal(
            [(2, "host2:9092", "_peer.node-2"), (77, "host77:9090", "host77:7000"),
                (4100, "localhost:9300", "localhost:9301")],
            topology.Replicas.Select(replica => (replica.NodeId, replica.ClientEndpoint, replica.PeerEndpoint)));
        Assert.Empty(topology.InitialVoters);
        Assert.Equal(9300, topology.ThriftPort);
        Assert.Equal(9301, topology.PeerPort);
    }

    private static NodeOptions Replicated(int self) => new()
    {
        Deployment = new DeploymentOptions
        {
            Mode = DeploymentMode.Replicated,
            InstanceId = self,
            ReplicaEndpoints = ["localhost:9090", "localhost:9091", "localhost:9092"],
        },
    };
}
