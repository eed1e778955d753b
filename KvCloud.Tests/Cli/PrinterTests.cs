using KvCloud.Tests.Client;

namespace KvCloud.Tests.Cli;

public sealed class PrinterTests
{
    [Fact]
    public async Task Rows_in_each_format_have_the_same_facts()
    {
        await using var cluster = new ScriptedCluster(1);
        string endpoint = cluster.Endpoints;

        KvRun plain = await KvRun.Async("member", "list", "--endpoints", endpoint);
        KvRun asked = await KvRun.Async("member", "list", "--output", "plain", "--endpoints", endpoint);
        KvRun table = await KvRun.Async("member", "list", "-o", "table", "--endpoints", endpoint);
        KvRun json = await KvRun.Async("member", "list", "-o", "json", "--endpoints", endpoint);
        KvRun brief = await KvRun.Async("member", "list", "--json", "--endpoints", endpoint);

        Assert.Equal(plain.Text, asked.Text);
        Assert.StartsWith("id\tmember\thealth", plain.Text, StringComparison.Ordinal);
        Assert.Contains($"0*\tvoter\thealthy\t0\t{endpoint}", plain.Text, StringComparison.Ordinal);
        Assert.StartsWith("╭", table.Text, StringComparison.Ordinal);
        Assert.Contains(endpoint, table.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", table.Text, StringComparison.Ordinal);
        Assert.StartsWith("{\"id\":0,\"member\":\"voter\",\"leads\":true", json.Text, StringComparison.Ordinal);
        Assert.Equal(json.Text, brief.Text);
    }

    [Fact]
    public async Task Rows_of_a_range_as_a_table_are_drawn_with_their_versions()
    {
        await using var cluster = new ScriptedCluster(1);
        await KvRun.Async("set", "k", "a\tb", "--endpoints", cluster.Endpoints);

        KvRun run = await KvRun.Async("range", "--output", "table", "--endpoints", cluster.Endpoints);

        Assert.Contains("│ k   │ a\\tb  │ 1       │", run.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("status --output xml")]
    [InlineData("status --json --output plain")]
    [InlineData("get a --hex --output json")]
    public async Task Rows_in_an_unknown_or_a_second_format_are_refused(string line)
    {
        KvRun run = await KvRun.Async([.. line.Split(' '), "--endpoints", "127.0.0.1:1"]);

        Assert.Equal(2, run.Code);
        Assert.StartsWith("kv: ", run.Error, StringComparison.Ordinal);
    }
}
