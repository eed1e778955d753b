using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using KvCloud.Certificates;
using KvCloud.Cli;
using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Tests.Support;
using Xunit.Abstractions;

namespace KvCloud.Tests.Live;

/// <summary>`kv demo` as people run it: as a process, stopped by signals.</summary>
[Collection(LiveCollection.Name)]
public sealed class DemoCommandTests(ITestOutputHelper output) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("kvcloud-demo-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [UnixFact]
    public async Task DemoCommand_throwaway_serves_survives_its_leader_and_leaves_nothing()
    {
        await using Demo demo = await StartAsync();
        await demo.HealthyAsync();
        int[] replicas = demo.ProcessIds;
        Assert.Equal(3, replicas.Length);

        await AssertConsoleServesAsync(demo);
        Assert.Equal((0, "OK"), await KvAsync(demo, 2, "set", "greeting", "hello"));
        int leader = demo.Leader;
        using (var process = Process.GetProcessById(leader))
        {
            process.Kill();
        }

        await demo.UntilAsync(@"demo \| node-\d leads now");
        await demo.UntilAsync(@"demo \| node-\d started as process \d+");
        Assert.Equal((0, "hello"), await KvAsync(demo, 5, "get", "greeting"));

        Assert.Equal(0, await demo.StopAsync());
        Assert.Contains("demo | stopped; the data is removed", demo.Printed, StringComparison.Ordinal);
        Assert.All(demo.ProcessIds, id => Assert.False(IsAlive(id), $"replica {id} still runs"));
        Assert.Empty(Directory.EnumerateDirectories(_folder));
    }

    [UnixFact]
    public async Task DemoCommand_kept_data_is_there_the_next_time()
    {
        string data = Path.Combine(_folder, "kept");
        await using (Demo first = await StartAsync("--data", data))
        {
            await first.HealthyAsync();
            Assert.Equal((0, "OK"), await KvAsync(first, 2, "set", "greeting", "kept"));
            Assert.Equal(0, await first.StopAsync());
        }

        await using Demo second = await StartAsync("--data", data);
        await second.HealthyAsync();
        Assert.Equal((0, "kept"), await KvAsync(second, 5, "get", "greeting"));
        Assert.Equal(0, await second.StopAsync());
    }

    /// <summary>What it prints works as it stands; without the CA nothing does.</summary>
    [UnixFact]
    public async Task DemoCommand_secure_speaks_tls_on_all_ports_and_goes_on_with_its_authority()
    {
        string data = Path.Combine(_folder, "secure");
        string authority;
        await using (Demo first = await StartAsync("--secure", "--data", data))
        {
            await first.HealthyAsync();
            Assert.Equal((0, "OK"), await KvAsync(first, 2, "set", "greeting", "hello"));
            Assert.Equal(0, (await KvAsync(first, 1, "status")).Code);
            authority = await File.ReadAllTextAsync(first.TlsArguments[1]);
            await AssertIsTlsAsync(first);
            Assert.Equal(0, await first.StopAsync());
        }

        await using Demo second = await StartAsync("--secure", "--data", data);
        await second.HealthyAsync();
        Assert.Equal((0, "hello"), await KvAsync(second, 5, "get", "greeting"));
        Assert.Equal(authority, await File.ReadAllTextAsync(second.TlsArguments[1]));
        Assert.Equal(0, await second.StopAsync());
    }

    [UnixFact]
    public async Task DemoCommand_one_replica_with_logs_prints_what_it_logs()
    {
        await using Demo demo = await StartAsync("--replicas", "1", "--no-console", "--logs");
        await demo.HealthyAsync();
        await demo.UntilAsync(@"node-0 \| .* info ");
        Assert.Equal(0, await demo.StopAsync());
    }

    [UnixFact]
    public async Task DemoCommand_replica_down_without_restart_stays_down_and_the_last_ends_it()
    {
        await using Demo demo = await StartAsync("--replicas", "1", "--no-console", "--no-restart");
        await demo.HealthyAsync();
        using (var process = Process.GetProcessById(demo.ProcessIds[0]))
        {
            process.Kill();
        }

        Assert.Equal(3, await demo.EndAsync());
        Assert.Contains("demo | no replica is running any more", demo.Printed, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateDirectories(_folder));
    }

    private static async Task AssertConsoleServesAsync(Demo demo)
    {
        string address = Regex.Match(demo.Printed, @"console, in a browser: (http://\S+)").Groups[1].Value;
        using var http = new HttpClient();
        Assert.Contains("blazor.web", await http.GetStringAsync(new Uri(address)), StringComparison.Ordinal);
    }

    private static async Task AssertIsTlsAsync(Demo demo)
    {
        await using var clear = new KvCloudClient(new KvCloudClientSettings
        {
            ConnectionString = demo.Endpoints,
            Timeout = TimeSpan.FromSeconds(2),
        });
        await Assert.ThrowsAsync<KvCloudException>(async () => await clear.GetStringAsync("greeting"));

        string page = Regex.Match(demo.Printed, @"https://\S+/health").Value;
        using var handler = new SocketsHttpHandler { UseProxy = false };
        handler.SslOptions.CertificateChainPolicy = CertificateFile.Trusting(demo.TlsArguments[1]);
        using var http = new HttpClient(handler);
        Assert.Contains("healthy", await http.GetStringAsync(new Uri(page)), StringComparison.Ordinal);
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(
            new Uri(page.Replace("https:", "http:", StringComparison.Ordinal))));
    }

    private static bool IsAlive(int processId)
    {
        try
        {
            using var process = Process.GetProcessById(processId);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>A command as the demo prints it, tried a few times: a leader may just be elected.</summary>
    private async Task<(int Code, string Printed)> KvAsync(Demo demo, int attempts, params string[] arguments)
    {
        while (true)
        {
            using var printed = new MemoryStream();
            using var told = new StringWriter();
            int code = await KvProgram.RunAsync(
                [.. arguments, "--endpoints", demo.Endpoints, .. demo.TlsArguments],
                KvConsole.ForStreams(Stream.Null, printed, told),
                CancellationToken.None);
            if (code == 0 || --attempts == 0)
            {
                output.WriteLine($"kv {string.Join(' ', arguments)}: {code} {told}");
                return (code, Encoding.UTF8.GetString(printed.ToArray()).Split(' ', '\n')[0]);
            }
        }
    }

    private async Task<Demo> StartAsync(params string[] arguments)
    {
        // Three times a hundred ports in a row, above what the demo would choose itself and free now.
        int basePort = Enumerable.Range(0, 100).Select(i => 21_000 + (300 * i % 9_000))
            .First(port => PortCheck.Taken(Topology.Create(3, port, _folder)).Count == 0);
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "kv.dll"), "demo",
            "--base-port", basePort.ToString(CultureInfo.InvariantCulture), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["TMPDIR"] = _folder;
        Process process = Process.Start(start) ?? throw new InvalidOperationException("kv demo did not start");
        await Task.Yield();
        return new Demo(process, output);
    }

    /// <summary>The process and what it has printed.</summary>
    private sealed class Demo : IAsyncDisposable
    {
        private readonly Process _process;
        private readonly ITestOutputHelper _output;
        private readonly StringBuilder _printed = new();
        private readonly Task _reading;

        public Demo(Process process, ITestOutputHelper output)
        {
            _process = process;
            _output = output;
            _reading = Task.WhenAll(ReadAsync(process.StandardOutput), ReadAsync(process.StandardError));
        }

        public string Printed
        {
            get
            {
                lock (_printed)
                {
                    return _printed.ToString();
                }
            }
        }

        /// <summary>What the commands that it prints have behind --endpoints.</summary>
        public string Endpoints => Regex.Match(Printed, @"kv get greeting --endpoints (\S+)").Groups[1].Value;

        /// <summary>With --secure.</summary>
        public string[] TlsArguments =>
            Regex.Match(Printed, @"kv get greeting .* --ca (\S+)") is { Success: true } match
                ? ["--ca", match.Groups[1].Value]
                : [];

        /// <summary>Of all replicas it ever started.</summary>
        public int[] ProcessIds =>
        [
            .. Regex.Matches(Printed, @"/health +(\d+)$|started as process (\d+)$", RegexOptions.Multiline)
                .Select(match => Number(match.Groups[1].Success ? match.Groups[1].Value : match.Groups[2].Value)),
        ];

        /// <summary>Process of the replica that it says to kill.</summary>
        public int Leader => Number(Regex.Match(Printed, @"kill -9 (\d+)").Groups[1].Value);

        public Task HealthyAsync() => UntilAsync(@"Ctrl-C stops the cluster");

        public async Task UntilAsync(string pattern)
        {
            long started = Stopwatch.GetTimestamp();
            while (!Regex.IsMatch(Printed, pattern))
            {
                if (_process.HasExited || Stopwatch.GetElapsedTime(started) > Patience)
                {
                    Assert.Fail($"it never printed {pattern}, but:\n{Printed}");
                }

                await Task.Delay(20);
            }
        }

        public Task<int> StopAsync()
        {
            Assert.True(UnixSignals.Send(_process.Id, UnixSignals.Terminate));
            return EndAsync();
        }

        public async Task<int> EndAsync()
        {
            await _process.WaitForExitAsync().WaitAsync(Patience);
            await _reading.WaitAsync(Patience);
            return _process.ExitCode;
        }

        public async ValueTask DisposeAsync()
        {
            if (!_process.HasExited)
            {
                // A test that failed; the replicas end when they find their parent gone.
                _process.Kill();
            }

            await _reading.WaitAsync(Patience);
            _process.Dispose();
            _output.WriteLine(Printed);
        }

        private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

        private async Task ReadAsync(StreamReader reader)
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                lock (_printed)
                {
                    _printed.Append(line).Append('\n');
                }
            }
        }
    }
}
