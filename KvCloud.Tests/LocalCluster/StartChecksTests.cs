using System.Globalization;
using System.Net;
using System.Net.Sockets;
using KvCloud.LocalCluster;

namespace KvCloud.Tests.LocalCluster;

/// <summary>What is found out before anything is started.</summary>
public sealed class StartChecksTests : IDisposable
{
    private readonly string _dataRoot = Directory.CreateTempSubdirectory("kvcloud-apphost-").FullName;

    public void Dispose() => Directory.Delete(_dataRoot, recursive: true);

    [Fact]
    public void Acquire_twice_secondNamesHolderAndDirectory()
    {
        using DataRootLock first = DataRootLock.Acquire(_dataRoot);

        var e = Assert.Throws<TopologyException>(() => DataRootLock.Acquire(_dataRoot));
        Assert.Contains(_dataRoot, e.Message, StringComparison.Ordinal);
        Assert.Contains($"(process {Environment.ProcessId})", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Acquire_afterTheFirstLetGo_works()
    {
        DataRootLock.Acquire(_dataRoot).Dispose();
        DataRootLock.Acquire(_dataRoot).Dispose();
    }

    [Fact]
    public void Acquire_fileInTheWay_saysSo()
    {
        string file = Path.Combine(_dataRoot, "file");
        File.WriteAllText(file, "");

        var e = Assert.Throws<TopologyException>(() => DataRootLock.Acquire(file));
        Assert.Contains(file, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Demand_portTaken_namesPortAndOwner()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        int port = ((IPEndPoint)other.LocalEndpoint).Port;
        var topology = new Topology { Replicas = [new Replica(0, 1, port, 2)], DataRoot = _dataRoot };

        var e = Assert.Throws<TopologyException>(() => PortCheck.Demand(topology));
        string taken = string.Create(CultureInfo.InvariantCulture, $"{port} (peer of node-0)");
        Assert.Contains(taken, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ProcessCluster_noSuchProgram_namesThePath()
    {
        string path = Path.Combine(_dataRoot, "KvCloud.Node.dll");
        var e = Assert.Throws<TopologyException>(() =>
            new ProcessCluster(
                Topology.Create(dataRoot: _dataRoot), new ProcessClusterOptions { NodeAssembly = path }));
        Assert.Equal($"There is no replica's program at {path}.", e.Message);
    }

    [Fact]
    public void NodeAssembly_builtTogether_found() =>
        Assert.EndsWith("KvCloud.Node.dll", NodeProgram.Assembly, StringComparison.Ordinal);
}
