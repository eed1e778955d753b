using System.Text.Json;
using KvCloud.Tests.Client;

namespace KvCloud.Tests.Cli;

public sealed class BenchRunTests
{
    [Fact]
    public async Task RunAsync_measures_reads_and_writes_and_leaves_nothing()
    {
        await using var cluster = new ScriptedCluster(1);

        KvRun run = await KvRun.Async(
            "bench", "--clients", "4", "--keys", "20", "--duration", "5s", "--json", "--endpoints",
            cluster.Endpoints);

        Assert.True(run.Code == 0, run.Error);
        using var figures = JsonDocument.Parse(run.Text);
        double Of(string name) => figures.RootElement.GetProperty(name).GetDouble();
        Assert.True(Of("calls") > 0);
        Assert.InRange(Of("read_p50_ms"), 0.001, Of("read_p99_ms"));
        Assert.InRange(Of("write_p50_ms"), 0.001, Of("write_max_ms"));
        Assert.Equal((0, 0), (Of("failed"), Of("outcome_unknown")));
        Assert.Equal("0\n", (await KvRun.Async("range", "--count", "--endpoints", cluster.Endpoints)).Text);
    }

    [Fact]
    public async Task RunAsync_writes_of_unknown_outcome_are_counted_as_such()
    {
        await using var cluster = new ScriptedCluster(1);
        int writes = 0;
        cluster.Nodes[0].Script = call => new ValueTask<ScriptedAct?>(
            call.Method == "setKey" && Interlocked.Increment(ref writes) > 1
                ? new ScriptedAct { Refuse = Protocol.ErrorCode.OUTCOME_UNKNOWN }
                : null);

        KvRun run = await KvRun.Async(
            "bench", "--clients", "2", "--keys", "5", "--reads", "0", "--duration", "3s", "--timeout", "1s",
            "--json", "--endpoints", cluster.Endpoints);

        Assert.True(run.Code == 1, run.Error);
        using var figures = JsonDocument.Parse(run.Text);
        Assert.True(figures.RootElement.GetProperty("outcome_unknown").GetInt64() > 0, run.Text);
        Assert.Equal(0, figures.RootElement.GetProperty("calls").GetInt64());
    }

    [Theory]
    [InlineData("--clients 0")]
    [InlineData("--reads 101")]
    [InlineData("--value-size 99999999")]
    public async Task RunAsync_limits_are_refused_by_name(string options)
    {
        KvRun run = await KvRun.Async(["bench", .. options.Split(' '), "--endpoints", "127.0.0.1:1"]);
        Assert.Equal(2, run.Code);
        Assert.Contains(options.Split(' ')[0] + " must be between", run.Error, StringComparison.Ordinal);
    }
}
