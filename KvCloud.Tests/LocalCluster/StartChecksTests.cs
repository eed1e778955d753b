using System.Globalization;
using System.Net;
using System.Net.Sockets;
using KvCloud.LocalCluster;
using KvCloud.Tests.Live;

namespace KvCloud.Tests.LocalCluster;

/// <summary>What is found out before anything is started.</summary>
[Collection(LiveCollection.Name)]
public sealed class StartChecksTests : IDisposable
{
    private readonly string _dataRoot = Directory.CreateTempSubdirectory("kvcloud-start-").FullName;

    public void Dispose() => Directory.Delete(_dataRoot, recursive: true);

    [Fact]
    public void Acquire_twice_second_names_holder_and_directory()
    {
        using var first = DataRootLock.Acquire(_dataRoot);

        LocalClusterException e = Assert.Throws<LocalClusterException>(() => DataRootLock.Acquire(_dataRoot));
        Assert.Contains(_dataRoot, e.Message, StringComparison.Ordinal);
        Assert.Contains($"(process {Environment.ProcessId})", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Acquire_after_the_first_let_go_works()
    {
        DataRootLock.Acquire(_dataRoot).Dispose();
        DataRootLock.Acquire(_dataRoot).Dispose();
    }

    [Fact]
    public void Acquire_file_in_the_way_says_so()
    {
        string file = Path.Combine(_dataRoot, "file");
        File.WriteAllText(file, "");

        LocalClusterException e = Assert.Throws<LocalClusterException>(() => DataRootLock.Acquire(file));
        Assert.Contains(file, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Demand_port_taken_names_port_and_owner()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        int port = ((IPEndPoint)other.LocalEndpoint).Port;
        var topology = new Topology { Replicas = [new Replica(0, 1, port, 2)], DataRoot = _dataRoot };

        LocalClusterException e = Assert.Throws<LocalClusterException>(() => PortCheck.Demand(topology));
        string taken = string.Create(CultureInfo.InvariantCulture, $"{port} (peer of node-0)");
        Assert.Contains(taken, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ProcessCluster_data_root_in_use_is_refused_before_any_replica_is_started()
    {
        using var other = DataRootLock.Acquire(_dataRoot);
        await using var cluster = new ProcessCluster(Topology.OnFreePorts(3, _dataRoot));

        Assert.Throws<LocalClusterException>(cluster.Start);
        Assert.All(cluster.Nodes, node => Assert.Null(node.ProcessId));
    }

    [Theory]
    [InlineData("PATH", true, true)]
    [InlineData("KvCloud__Cluster__Id", true, false)]
    [InlineData("KVCLOUD_CONFIG", true, false)]
    [InlineData("ASPNETCORE_URLS", false, false)]
    [InlineData("ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL", false, false)]
    public void IsInherited_of_a_variable_depends_on_whether_settings_are(string name, bool withSettings, bool without)
    {
        Assert.Equal(withSettings, NodeProgram.IsInherited(name, inheritSettings: true));
        Assert.Equal(without, NodeProgram.IsInherited(name, inheritSettings: false));
    }

    [Fact]
    public void Assembly_of_programs_built_together_is_found() =>
        Assert.EndsWith("KvCloud.Node.dll", NodeProgram.Assembly, StringComparison.Ordinal);
}
