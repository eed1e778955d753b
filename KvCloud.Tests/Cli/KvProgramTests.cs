using System.Text;
using KvCloud.Cli;
using KvCloud.Tests.Client;

namespace KvCloud.Tests.Cli;

public sealed class KvProgramTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kv-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("get")]
    [InlineData("nonsense")]
    [InlineData("get a --consistency strong")]
    [InlineData("get a --timeout soon")]
    [InlineData("get a --raw --hex")]
    [InlineData("get xyz --hex")]
    [InlineData("range --prefix a --begin b")]
    [InlineData("range --limit -1")]
    [InlineData("import --in-flight 0")]
    [InlineData("bank --kill-leader-every soon")]
    [InlineData("bank --duration 0s")]
    [InlineData("bank --accounts 1")]
    [InlineData("import --dir /no/such/directory")]
    [InlineData("demo --replicas 4")]
    [InlineData("demo --replicas many")]
    [InlineData("demo --base-port 65400")]
    [InlineData("get a --endpoints a:b:c")]
    [InlineData("set a b --file /etc/hostname")]
    [InlineData("recover plan --data /no/such/directory --out /tmp/kv-no-such-plan")]
    public async Task RunAsync_wrong_usage_exits_2_and_says_why(string line)
    {
        Run run = await RunAsync("127.0.0.1:1", line.Split(' '));
        Assert.Equal(2, run.Code);
        Assert.StartsWith("kv: ", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Text);
    }

    [Fact]
    public async Task RunAsync_help_exits_0()
    {
        Run run = await RunAsync("127.0.0.1:1", "--help");
        Assert.Equal(0, run.Code);
        foreach (string command in new[] { "get", "set", "del", "range", "status", "import", "verify", "cf", "demo" })
        {
            Assert.Contains($"  {command}", run.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task RunAsync_no_cluster_exits_3()
    {
        await using var cluster = new ScriptedCluster(1);
        string endpoint = cluster.Endpoints;
        await cluster.KillAsync(cluster.Nodes[0]);
        Run run = await RunAsync(endpoint, "get", "a", "--timeout", "300ms");
        Assert.Equal(3, run.Code);
        Assert.Contains(endpoint, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_unknown_outcome_exits_4()
    {
        await using var cluster = new ScriptedCluster(1);
        cluster.Nodes[0].Script = call => new ValueTask<ScriptedAct?>(
            call.Method == "setKey" ? new ScriptedAct { Refuse = Protocol.ErrorCode.OUTCOME_UNKNOWN } : null);
        Run run = await RunAsync(cluster.Endpoints, "set", "a", "1", "--timeout", "3s");
        Assert.Equal(4, run.Code);
    }

    [Fact]
    public async Task KeyCommands_get_set_and_del_round_trip()
    {
        await using var cluster = new ScriptedCluster(3);
        Assert.Equal("OK 1\n", (await RunAsync(cluster.Endpoints, "set", "key", "välue")).Text);
        Assert.Equal("välue\n", (await RunAsync(cluster.Endpoints, "get", "key")).Text);
        Assert.Equal("välue", (await RunAsync(cluster.Endpoints, "get", "key", "--raw")).Text);
        Assert.Equal("76c3a46c7565\n", (await RunAsync(cluster.Endpoints, "get", "6b6579", "--hex")).Text);
        Assert.Equal(
            "{\"key\":\"key\",\"value\":\"välue\",\"version\":1}\n",
            (await RunAsync(cluster.Endpoints, "get", "key", "--json")).Text);
        Assert.Equal(0, (await RunAsync(cluster.Endpoints, "del", "key")).Code);

        Run missing = await RunAsync(cluster.Endpoints, "get", "key");
        Assert.Equal(1, missing.Code);
        Assert.Contains("no such key: key", missing.Error, StringComparison.Ordinal);
        Assert.Empty(missing.Text);
    }

    [Fact]
    public async Task KeyCommands_set_value_from_standard_input_or_file_is_taken_whole()
    {
        await using var cluster = new ScriptedCluster(1);
        byte[] bytes = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
        string file = Path.Combine(_folder, "value");
        await File.WriteAllBytesAsync(file, bytes);

        Assert.Equal(0, (await RunAsync(cluster.Endpoints, bytes, "set", "a")).Code);
        Assert.Equal(0, (await RunAsync(cluster.Endpoints, "set", "b", "--file", file)).Code);

        Assert.Equal(bytes, (await RunAsync(cluster.Endpoints, "get", "a", "--raw")).Bytes);
        Assert.Equal(bytes, (await RunAsync(cluster.Endpoints, "get", "b", "--raw")).Bytes);
    }

    [Fact]
    public async Task RangeCommand_formats_print_rows_in_order()
    {
        await using var cluster = new ScriptedCluster(1);
        await RunAsync(cluster.Endpoints, "set", "k1", "a\tb\n");
        await RunAsync(cluster.Endpoints, "set", "k2", "ff00", "--hex");
        await RunAsync(cluster.Endpoints, "set", "6b32", "ff00", "--hex");
        await RunAsync(cluster.Endpoints, "set", "m", "x");

        Assert.Equal(
            "k1\ta\\tb\\n\nk2\t\\xff\\x00\n", (await RunAsync(cluster.Endpoints, "range", "--prefix", "k")).Text);
        Assert.Equal("3\n", (await RunAsync(cluster.Endpoints, "range", "--count")).Text);
        Assert.Equal("k2\nm\n", (await RunAsync(cluster.Endpoints, "range", "--begin", "k2", "--keys-only")).Text);
        Assert.Contains(
            "\"value_base64\":\"/wA=\"",
            (await RunAsync(cluster.Endpoints, "range", "--prefix", "k2", "--json")).Text,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClusterCommands_status_marks_the_leader_and_without_one_sets_the_exit_code()
    {
        await using var cluster = new ScriptedCluster(3);
        Run run = await RunAsync(cluster.Endpoints, "status");
        Assert.Equal(0, run.Code);
        Assert.Contains($"0*\t{cluster.Nodes[0].Endpoint}\tleader\thealthy", run.Text, StringComparison.Ordinal);
        Assert.Contains("00:01:01", run.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", run.Text, StringComparison.Ordinal);

        cluster.Leader = null;
        Assert.Equal(3, (await RunAsync(cluster.Endpoints, "status")).Code);
        Assert.Contains(
            "\"leader\":null", (await RunAsync(cluster.Endpoints, "status", "--json")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_stats_ping_and_families_answer()
    {
        await using var cluster = new ScriptedCluster(3);
        Run stats = await RunAsync(cluster.Endpoints, "stats", "--each-replica");
        Assert.Equal(3, stats.Text.Split('\n').Count(line => line == "total_keys\t7"));
        Run ping = await RunAsync(cluster.Endpoints, "ping", "--each-replica");
        Assert.Equal(3, ping.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal(0, (await RunAsync(cluster.Endpoints, "cf", "create", "users")).Code);
        Assert.Equal(1, (await RunAsync(cluster.Endpoints, "cf", "create", "users")).Code);
        Assert.Equal("default\nusers\n", (await RunAsync(cluster.Endpoints, "cf", "list")).Text);
        Assert.Equal(0, (await RunAsync(cluster.Endpoints, "cf", "drop", "users")).Code);
        Assert.Equal(1, (await RunAsync(cluster.Endpoints, "cf", "drop", "users")).Code);
    }

    [Fact]
    public async Task TransactionCommand_script_is_one_transaction()
    {
        await using var cluster = new ScriptedCluster(1);
        await RunAsync(cluster.Endpoints, "set", "a", "1");
        byte[] script = "# move\nget a\nset b \"two words\"\ndel a\nrange b\n"u8.ToArray();

        Run run = await RunAsync(cluster.Endpoints, script, "txn");

        Assert.Equal(0, run.Code);
        Assert.Equal("a\t1\nb\ttwo words\n", run.Text);
        Assert.Equal(1, (await RunAsync(cluster.Endpoints, "get", "a")).Code);
        Run wrong = await RunAsync(cluster.Endpoints, "get a\nput b 1\n"u8.ToArray(), "txn");
        Assert.Equal(2, wrong.Code);
        Assert.Contains("line 2", wrong.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ImportCommand_lines_and_verify_count_every_one_and_keep_the_last_of_a_key()
    {
        await using var cluster = new ScriptedCluster(3);
        var lines = new StringBuilder();
        for (int i = 0; i < 500; i++)
        {
            lines.Append($"key{i % 400}\tvalue {i}\twith tab\n");
        }

        byte[] input = Encoding.UTF8.GetBytes(lines.ToString().TrimEnd('\n'));
        Run import = await RunAsync(cluster.Endpoints, input, "import", "--in-flight", "32");
        Assert.Equal(0, import.Code);
        Assert.StartsWith("imported 500, failed 0", import.Text, StringComparison.Ordinal);
        Assert.Equal("value 450\twith tab\n", (await RunAsync(cluster.Endpoints, "get", "key50")).Text);

        Run verify = await RunAsync(cluster.Endpoints, input, "verify", "--each-replica");
        Assert.Equal(0, verify.Code);
        Assert.Equal(
            3, verify.Text.Split('\n').Count(line => line.Contains(": 400 of 400 equal", StringComparison.Ordinal)));

        await RunAsync(cluster.Endpoints, "set", "key7", "tampered");
        await RunAsync(cluster.Endpoints, "del", "key8");
        verify = await RunAsync(cluster.Endpoints, input, "verify");
        Assert.Equal(1, verify.Code);
        Assert.Contains("different from byte 0", verify.Error, StringComparison.Ordinal);
        Assert.Contains("missing", verify.Error, StringComparison.Ordinal);
        Assert.Contains("398 of 400 equal, 2 not", verify.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ImportCommand_bad_lines_are_named_and_the_others_go_in()
    {
        await using var cluster = new ScriptedCluster(1);
        byte[] input =
        [
            .. "good\t1\nno tab here\n\tempty key\nbig\t"u8, .. Enumerable.Repeat((byte)'x', (1024 * 1024) + 1),
            .. "\nlast\t2\n"u8,
        ];

        Run run = await RunAsync(cluster.Endpoints, input, "import");

        Assert.Equal(1, run.Code);
        Assert.StartsWith("imported 2, failed 3", run.Text, StringComparison.Ordinal);
        Assert.Contains("line 2: there is no tab", run.Error, StringComparison.Ordinal);
        Assert.Contains("line 3: the key is empty", run.Error, StringComparison.Ordinal);
        Assert.Contains(
            "line 4: the value of 1048577 bytes exceeds the limit of 1048576", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ExportCommand_tree_that_was_imported_is_the_same_byte_for_byte()
    {
        await using var cluster = new ScriptedCluster(3);
        string source = Path.Combine(_folder, "source");
        var random = new Random(3);
        for (int i = 0; i < 120; i++)
        {
            string path = Path.Combine(source, $"d{i % 7}", $"f {i}.bin");
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            byte[] bytes = new byte[i % 11 == 0 ? 0 : random.Next(5_000)];
            random.NextBytes(bytes);
            await File.WriteAllBytesAsync(path, bytes);
        }

        await File.WriteAllBytesAsync(Path.Combine(source, "large"), new byte[(1024 * 1024) + 1]);
        Directory.CreateSymbolicLink(Path.Combine(source, "loop"), source);

        Run import = await RunAsync(cluster.Endpoints, "import", "--dir", source, "--prefix", "t/");
        Assert.Equal(1, import.Code);
        Assert.StartsWith("imported 120, failed 2", import.Text, StringComparison.Ordinal);
        Assert.Contains("large: the value of 1048577 bytes", import.Error, StringComparison.Ordinal);
        Assert.Contains("loop: it is a link to a directory", import.Error, StringComparison.Ordinal);

        File.Delete(Path.Combine(source, "large"));
        Directory.Delete(Path.Combine(source, "loop"));
        Run verify = await RunAsync(cluster.Endpoints, "verify", "--dir", source, "--prefix", "t/", "--each-replica");
        Assert.True(verify.Code == 0, verify.Error);

        string target = Path.Combine(_folder, "target");
        Run export = await RunAsync(cluster.Endpoints, "export", "--dir", target, "--prefix", "t/");
        Assert.True(export.Code == 0, export.Error);
        string[] files = [.. Directory.GetFiles(source, "*", SearchOption.AllDirectories).Select(file =>
            Path.GetRelativePath(source, file))];
        Assert.Equal(120, files.Length);
        foreach (string file in files)
        {
            Assert.Equal(
                await File.ReadAllBytesAsync(Path.Combine(source, file)),
                await File.ReadAllBytesAsync(Path.Combine(target, file)));
        }
    }

    [Fact]
    public async Task ExportCommand_keys_that_climb_out_are_refused()
    {
        await using var cluster = new ScriptedCluster(1);
        await RunAsync(cluster.Endpoints, "set", "../escape", "x");
        await RunAsync(cluster.Endpoints, "set", "/abs", "x");
        await RunAsync(cluster.Endpoints, "set", "fine", "x");
        Run run = await RunAsync(cluster.Endpoints, "export", "--dir", Path.Combine(_folder, "out"));
        Assert.Equal(1, run.Code);
        Assert.Contains("exported 1, failed 2", run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_folder, "escape")));
    }

    [Fact]
    public async Task ExportCommand_escaped_and_import_escaped_are_inverse()
    {
        await using var cluster = new ScriptedCluster(1);
        await using var other = new ScriptedCluster(1);
        await RunAsync(cluster.Endpoints, "set", "6b090a5c00ff", "0a0d09c3a9ff5c", "--hex");
        Run plain = await RunAsync(cluster.Endpoints, "export");
        Assert.Equal(1, plain.Code);
        Run export = await RunAsync(cluster.Endpoints, "export", "--escaped");
        Assert.Equal(0, export.Code);
        Assert.Equal(0, (await RunAsync(other.Endpoints, export.Bytes, "import", "--escaped")).Code);
        Assert.Equal("0a0d09c3a9ff5c\n", (await RunAsync(other.Endpoints, "get", "6b090a5c00ff", "--hex")).Text);
    }

    [Fact]
    public async Task ImportCommand_leader_changes_meanwhile_loses_nothing()
    {
        await using var cluster = new ScriptedCluster(3);
        int calls = 0;
        foreach (ScriptedNode node in cluster.Nodes)
        {
            node.Script = call =>
            {
                if (call.Method == "setKey" && Interlocked.Increment(ref calls) is int count && count % 100 == 0)
                {
                    cluster.Leader = cluster.Nodes[count / 100 % 3];
                    return new ValueTask<ScriptedAct?>(new ScriptedAct { RunFirst = true, Drop = true });
                }

                return new ValueTask<ScriptedAct?>((ScriptedAct?)null);
            };
        }

        byte[] input = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 1000).Select(i => $"k{i}\tv{i}\n")));
        Run import = await RunAsync(cluster.Endpoints, input, "import");
        Assert.True(import.Code == 0, import.Error);
        Assert.StartsWith("imported 1000, failed 0", import.Text, StringComparison.Ordinal);
        Assert.Equal(1000, cluster.Store.Executions);
    }

    private static Task<Run> RunAsync(string endpoints, params string[] arguments) =>
        RunAsync(endpoints, [], arguments);

    private static async Task<Run> RunAsync(string endpoints, byte[] input, params string[] arguments)
    {
        using var output = new MemoryStream();
        using var error = new StringWriter();
        var console = KvConsole.ForStreams(new MemoryStream(input), output, error);
        string[] all = arguments.Contains("--endpoints") ? arguments : [.. arguments, "--endpoints", endpoints];
        int code = await KvProgram.RunAsync(all, console, CancellationToken.None);
        return new Run(code, output.ToArray(), error.ToString());
    }

    private sealed record Run(int Code, byte[] Bytes, string Error)
    {
        public string Text => Encoding.UTF8.GetString(Bytes);
    }
}
