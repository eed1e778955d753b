using KvCloud.Tests.Client;

namespace KvCloud.Tests.Cli;

public sealed class ShellRunTests
{
    [Fact]
    public async Task ReadAsync_lines_run_as_commands_until_exit()
    {
        await using var cluster = new ScriptedCluster(3);
        KvRun run = await KvRun.WithInputAsync(
            "# a comment\n\nset a \"two words\"\nkv get a\nexit\nset a never\n",
            "shell", "--endpoints", cluster.Endpoints);

        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Equal("OK 1\ntwo words\n", run.Text);
    }

    [Fact]
    public async Task ReadAsync_line_that_fails_is_told_and_the_next_runs()
    {
        await using var cluster = new ScriptedCluster(1);
        KvRun run = await KvRun.WithInputAsync(
            "get missing\nnonsense\nshell\nset a 1\n", "shell", "--endpoints", cluster.Endpoints);

        Assert.Equal(2, run.Code);
        Assert.Contains("no such key: missing", run.Error, StringComparison.Ordinal);
        Assert.Contains("nonsense", run.Error, StringComparison.Ordinal);
        Assert.Contains("shell does not run within kv shell", run.Error, StringComparison.Ordinal);
        Assert.Equal("OK 1\n", run.Text);
    }

    [Theory]
    [InlineData("get a --endpoints elsewhere:1", "--endpoints belongs to kv shell itself")]
    [InlineData("get a --timeout 1s", "--timeout belongs to kv shell itself")]
    [InlineData("get a --ca file", "--ca belongs to kv shell itself")]
    public async Task ReadAsync_options_of_the_connection_are_refused(string line, string expected)
    {
        await using var cluster = new ScriptedCluster(1);
        KvRun run = await KvRun.WithInputAsync(line + "\n", "shell", "--endpoints", cluster.Endpoints);

        Assert.Equal(2, run.Code);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsync_help_names_what_there_is()
    {
        await using var cluster = new ScriptedCluster(1);
        KvRun run = await KvRun.WithInputAsync("help\nhelp get\n", "shell", "--endpoints", cluster.Endpoints);

        Assert.Contains("Ctrl-D ends", run.Text, StringComparison.Ordinal);
        Assert.Contains("--at-version", run.Text, StringComparison.Ordinal);
    }
}
