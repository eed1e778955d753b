using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using KvCloud.Cli;
using KvCloud.Cli.Demo;
using KvCloud.LocalCluster;

namespace KvCloud.Tests.Cli;

/// <summary>What `kv demo` settles before it starts anything.</summary>
public sealed class DemoStartTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kv-demo-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ChooseTopology_usual_port_taken_takes_the_next_thousand()
    {
        (int usual, TcpListener listener) = ListenBelow(28_000);
        using (listener)
        {
            Topology topology = DemoRun.ChooseTopology(3, _folder, basePort: null, usual);

            Assert.True(topology.Replicas[0].ThriftPort > usual);
            Assert.Equal(0, (topology.Replicas[0].ThriftPort - usual) % 1_000);
            Assert.Empty(PortCheck.Taken(topology));
        }
    }

    [Fact]
    public void ChooseTopology_port_asked_for_is_not_exchanged()
    {
        (int taken, TcpListener listener) = ListenBelow(28_000);
        using (listener)
        {
            Assert.Equal(taken, DemoRun.ChooseTopology(3, _folder, taken).Replicas[0].ThriftPort);
        }
    }

    [Fact]
    public async Task RunAsync_port_taken_exits_2_with_one_sentence_that_names_it()
    {
        (int taken, TcpListener listener) = ListenBelow(60_000);
        using (listener)
        {
            (int code, string told) = await RunAsync("--base-port", Text(taken));

            Assert.Equal(2, code);
            Assert.Equal(
                $"kv: Port {taken} (thrift of node-0) is already in use on 127.0.0.1; stop what listens there, or"
                + " choose other ports.\n",
                told);
        }
    }

    [Fact]
    public async Task RunAsync_data_root_in_use_exits_2_and_says_by_whom()
    {
        using var other = DataRootLock.Acquire(_folder);

        (int code, string told) = await RunAsync("--data", _folder);

        Assert.Equal(2, code);
        Assert.Equal(
            $"kv: Another cluster (process {Environment.ProcessId}) already runs on the data root {_folder}; stop"
            + " it or choose another data root.\n",
            told);
    }

    [Fact]
    public async Task RunAsync_data_of_another_number_of_replicas_exits_2()
    {
        MakeNodes(3);

        (int code, string told) = await RunAsync("--data", _folder, "--replicas", "5");

        Assert.Equal(2, code);
        Assert.Contains("has the data of 3 replicas and cannot be started with 5", told, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, null, 3)]
    [InlineData(0, 7, 7)]
    [InlineData(5, null, 5)]
    [InlineData(5, 5, 5)]
    public void Replicas_of_a_data_root_are_as_many_as_it_has(int found, int? wanted, int expected)
    {
        MakeNodes(found);
        Directory.CreateDirectory(Path.Combine(_folder, "node_modules"));
        using var data = new DemoData(_folder, KvConsole.ForProcess());

        Assert.Equal(expected, data.Replicas(wanted, usual: 3));
    }

    [Fact]
    public void Dispose_temporary_is_removed_and_a_kept_one_is_not()
    {
        var temporary = new DemoData(null, KvConsole.ForProcess());
        File.WriteAllText(Path.Combine(temporary.Root, "file"), "");
        temporary.Dispose();
        Assert.False(Directory.Exists(temporary.Root));

        new DemoData(_folder, KvConsole.ForProcess()).Dispose();
        Assert.True(Directory.Exists(_folder));
    }

    private static async Task<(int Code, string Told)> RunAsync(params string[] arguments)
    {
        using var told = new StringWriter { NewLine = "\n" };
        int code = await KvProgram.RunAsync(
            ["demo", .. arguments], KvConsole.ForStreams(Stream.Null, Stream.Null, told), CancellationToken.None);
        return (code, told.ToString());
    }

    /// <summary>Somebody listening on a port that leaves room for those that follow from it.</summary>
    private static (int Port, TcpListener Listener) ListenBelow(int highest)
    {
        for (int port = highest; port > highest - 500; port--)
        {
            var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                if (PortCheck.Taken(Topology.Create(3, port)) is [_])
                {
                    return (port, listener);
                }
            }
            catch (SocketException)
            {
                // The next one may be free.
            }

            listener.Dispose();
        }

        throw new InvalidOperationException("500 ports in a row are in use");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private void MakeNodes(int count)
    {
        for (int i = 0; i < count; i++)
        {
            Directory.CreateDirectory(Path.Combine(_folder, $"node_{i}"));
        }
    }
}
