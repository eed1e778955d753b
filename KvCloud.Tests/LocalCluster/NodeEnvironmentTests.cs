using System.Globalization;
using KvCloud.LocalCluster;

namespace KvCloud.Tests.LocalCluster;

public sealed class NodeEnvironmentTests
{
    [Fact]
    public void ForProcess_middle_replica_has_the_whole_contract()
    {
        Topology topology = Topology.Create(dataRoot: "/data") with { ClusterId = "blue" };

        Dictionary<string, string> variables = NodeEnvironment.ForProcess(topology, topology.Replicas[1]);

        var expected = new Dictionary<string, string>
        {
            ["KvCloud__Deployment__Mode"] = "replicated",
            ["KvCloud__Deployment__InstanceId"] = "1",
            ["KvCloud__Deployment__ReplicaEndpoints__0"] = "127.0.0.1:9090",
            ["KvCloud__Deployment__ReplicaEndpoints__1"] = "127.0.0.1:9091",
            ["KvCloud__Deployment__ReplicaEndpoints__2"] = "127.0.0.1:9092",
            ["KvCloud__Consensus__Endpoints__0"] = "127.0.0.1:9190",
            ["KvCloud__Consensus__Endpoints__1"] = "127.0.0.1:9191",
            ["KvCloud__Consensus__Endpoints__2"] = "127.0.0.1:9192",
            ["KvCloud__Listen__Address"] = "127.0.0.1",
            ["KvCloud__Listen__ThriftPort"] = "9091",
            ["KvCloud__Listen__PeerPort"] = "9191",
            ["KvCloud__Listen__HttpPort"] = "9291",
            ["KvCloud__Database__BasePath"] = Path.GetFullPath("/data"),
            ["KvCloud__Cluster__Id"] = "blue",
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["OTEL_SERVICE_NAME"] = "node-1",
            ["KVCLOUD_PARENT_PID"] = Environment.ProcessId.ToString(CultureInfo.InvariantCulture),
        };
        Assert.Equal(
            expected.OrderBy(v => v.Key, StringComparer.Ordinal),
            variables.OrderBy(v => v.Key, StringComparer.Ordinal));
    }

    [Fact]
    public void ForProcess_one_replica_is_standalone()
    {
        var topology = Topology.Create(1);
        Assert.Equal("standalone", NodeEnvironment.ForProcess(topology, topology.Replicas[0])[NodeEnvironment.Mode]);
    }
}
