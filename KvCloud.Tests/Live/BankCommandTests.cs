using System.Text;
using KvCloud.Cli;
using Xunit.Abstractions;

namespace KvCloud.Tests.Live;

/// <summary>`kv bank` as people run it: on a cluster whose crashed replicas come back, with its own workers.</summary>
[Collection(LiveCollection.Name)]
public sealed class BankCommandTests(ITestOutputHelper output)
{
    [Fact]
    public async Task BankCommand_that_kills_leaders_prints_that_the_total_never_changed()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(restartCrashed: true);
        using var printed = new MemoryStream();
        using var told = new StringWriter();
        int code = await KvProgram.RunAsync(
            [
                "bank", "--duration", "4s", "--kill-leader-every", "2500ms", "--accounts", "20", "--clients", "4",
                "--endpoints", string.Join(',', cluster.Endpoints),
            ],
            KvConsole.ForStreams(Stream.Null, printed, told),
            CancellationToken.None);

        string text = Encoding.UTF8.GetString(printed.ToArray());
        output.WriteLine($"{told}{text}");
        Assert.Equal(0, code);
        Assert.Contains("which led (process", told.ToString(), StringComparison.Ordinal);
        Assert.Matches(@"transfers +[1-9]\d* in .*: 20 accounts, 4 clients in 2 processes", text);
        Assert.Matches("leaders killed +[1-9]", text);
        Assert.Contains("20000, never changed", text, StringComparison.Ordinal);
    }
}
