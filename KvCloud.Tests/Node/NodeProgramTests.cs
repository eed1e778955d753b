using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using KvCloud.LocalCluster;
using KvCloud.Node.Configuration;
using KvCloud.Tests.Live;
using KvCloud.Tests.Node.Storage;
using KvCloud.Tests.Support;
using Xunit.Abstractions;

namespace KvCloud.Tests.Node;

/// <summary>How the program ends when it cannot start: by an exit code and one sentence, with no stack trace.</summary>
[Collection(LiveCollection.Name)]
public sealed class NodeProgramTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task DataDirectory_that_another_node_has_says_who()
    {
        using Process first = Start("owned");
        try
        {
            await WaitForLineAsync(first, "leads");

            (int exitCode, string said) = await RunToEndAsync("owned");

            Assert.Equal(ExitCodes.DataDirectory, exitCode);
            Assert.Contains($"is in use by process {first.Id}", said, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
        }
        finally
        {
            first.Kill();
        }
    }

    [UnixFact]
    public async Task NodeLifetime_terminated_ends_cleanly()
    {
        using Process node = Start("terminated");
        try
        {
            await WaitForLineAsync(node, "leads");
            using var kill = Process.Start("kill", ["-TERM", node.Id.ToString(CultureInfo.InvariantCulture)]);
            await kill.WaitForExitAsync();
            using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            await node.WaitForExitAsync(timeout.Token);

            Assert.Equal(ExitCodes.Clean, node.ExitCode);
            Assert.Empty(await node.StandardError.ReadToEndAsync(timeout.Token));
        }
        finally
        {
            node.Kill();
        }
    }

    /// <summary>
    /// As under Aspire when its dashboard is gone: the exporters would try again, each for five seconds.
    /// </summary>
    [UnixTheory]
    [InlineData("grpc")]
    [InlineData("http/protobuf")]
    public async Task NodeLifetime_terminated_without_its_collector_ends_soon(string protocol)
    {
        using Process node = Start("collector", start =>
        {
            start.Environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = $"http://127.0.0.1:{FreePorts.Find(1)[0]}";
            start.Environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol;
            start.Environment["OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY"] = "in_memory";
        });
        try
        {
            await WaitForLineAsync(node, "leads");
            using var kill = Process.Start("kill", ["-TERM", node.Id.ToString(CultureInfo.InvariantCulture)]);
            long started = Stopwatch.GetTimestamp();
            using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            await node.WaitForExitAsync(timeout.Token);
            TimeSpan took = Stopwatch.GetElapsedTime(started);

            output.WriteLine($"ended after {took.TotalSeconds:F1} s");
            Assert.Equal(ExitCodes.Clean, node.ExitCode);
            Assert.True(took < TimeSpan.FromSeconds(5), $"it took {took.TotalSeconds:F1} s");
        }
        finally
        {
            node.Kill();
        }
    }

    /// <summary>One line that says what it is, one for what is not by default, and who leads: no more.</summary>
    [Fact]
    public async Task ReplicaHost_start_says_what_it_is_in_one_line()
    {
        using Process node = Start("lines", "--cluster.id=mine", "--consensus.heartbeat_interval_ms=40");
        try
        {
            List<string> lines = await WaitForLineAsync(node, "leads");

            string line = Assert.Single(lines, line => line.Contains("KvCloud ", StringComparison.Ordinal));
            Assert.Contains("node-0 of 1 in cluster mine, ", line, StringComparison.Ordinal);
            Assert.Single(lines, line => line.EndsWith(
                "Settings that differ from the defaults: consensus.heartbeat_interval_ms = 40",
                StringComparison.Ordinal));
            Assert.True(lines.Count <= 4, string.Join('\n', lines));
        }
        finally
        {
            node.Kill();
        }
    }

    [Fact]
    public async Task DataDirectory_of_another_cluster_is_refused()
    {
        using (Process first = Start("moved"))
        {
            await WaitForLineAsync(first, "leads");
            first.Kill();
            await first.WaitForExitAsync();
        }

        (int exitCode, string said) = await RunToEndAsync("moved", "--cluster.id=elsewhere");

        Assert.Equal(ExitCodes.DataDirectory, exitCode);
        Assert.Contains("elsewhere", said, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReplicaHost_port_that_is_taken_is_named()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;

        (int exitCode, string said) = await RunToEndAsync("port", $"--listen.thrift_port={port}");

        Assert.Equal(ExitCodes.Configuration, exitCode);
        Assert.Contains(port.ToString(CultureInfo.InvariantCulture), said, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
        Assert.DoesNotContain(" | at ", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("log")]
    [InlineData("data")]
    public async Task ReplicaHost_disk_that_does_not_take_the_stores_is_named(string store)
    {
        // A file where the directory belongs fails as a full disk does, in the middle of the start.
        string path = Path.Combine(_directory.Sub("unusable"), "node_0");
        Directory.CreateDirectory(path);
        await File.WriteAllTextAsync(Path.Combine(path, store), "");

        (int exitCode, string said) = await RunToEndAsync("unusable");

        Assert.Equal(ExitCodes.Fatal, exitCode);
        Assert.Contains(Path.Combine(path, store), said, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NodeConfiguration_setting_that_is_not_known_is_named()
    {
        (int exitCode, string said) = await RunToEndAsync("setting", "--deployment.mod=standalone");

        Assert.Equal(ExitCodes.Configuration, exitCode);
        Assert.Contains("deployment.mod on the command line is not known", said, StringComparison.Ordinal);
    }

    /// <returns>The lines up to that one.</returns>
    private static async Task<List<string>> WaitForLineAsync(Process process, string text)
    {
        List<string> lines = [];
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (await process.StandardOutput.ReadLineAsync(timeout.Token) is { } line)
        {
            lines.Add(line);
            if (line.Contains(text, StringComparison.Ordinal))
            {
                return lines;
            }
        }

        throw new InvalidOperationException(
            $"the node ended before it said '{text}': {await process.StandardError.ReadToEndAsync(timeout.Token)}");
    }

    private async Task<(int ExitCode, string Said)> RunToEndAsync(string data, params string[] arguments)
    {
        using Process process = Start(data, arguments);
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(timeout.Token);
            Task<string> errors = process.StandardError.ReadToEndAsync(timeout.Token);
            await process.WaitForExitAsync(timeout.Token);
            return (process.ExitCode, await output + await errors);
        }
        finally
        {
            process.Kill();
        }
    }

    private Process Start(string data, params string[] arguments) => Start(data, _ => { }, arguments);

    private Process Start(string data, Action<ProcessStartInfo> change, params string[] arguments)
    {
        int[] ports = FreePorts.Find(3);
        ProcessStartInfo start = NodeProgram.StartInfo(
            inheritSettings: false,
            [
                $"--database.base_path={_directory.Sub(data)}", $"--listen.thrift_port={ports[0]}",
                $"--listen.peer_port={ports[1]}", $"--listen.http_port={ports[2]}", .. arguments,
            ]);
        change(start);
        return Process.Start(start) ?? throw new InvalidOperationException("dotnet cannot be started");
    }
}
