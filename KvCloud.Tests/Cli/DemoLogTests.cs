using KvCloud.Cli.Demo;
using KvCloud.LocalCluster;

namespace KvCloud.Tests.Cli;

public sealed class DemoLogTests
{
    private static readonly Replica Node = new(1, 1, 2, 3);

    [Fact]
    public async Task Line_plain_has_the_name_before_each_line_in_order()
    {
        var writer = new StringWriter();
        await using (var log = new DemoLog(writer, coloured: false))
        {
            log.Line(Node, "hello");
            log.Report("bye");
            log.Write("  as it is");
        }

        Assert.Equal(["node-1 | hello", "demo | bye", "  as it is"], Lines(writer));
    }

    [Fact]
    public async Task Line_coloured_colour_ends_before_the_text()
    {
        var writer = new StringWriter();
        await using (var log = new DemoLog(writer, coloured: true))
        {
            log.Line(Node, "hello");
        }

        Assert.Equal("\e[33mnode-1 |\e[0m hello", Assert.Single(Lines(writer)));
    }

    [Fact]
    public async Task Line_on_output_that_stands_still_never_waits_and_counts_what_it_dropped()
    {
        using var writer = new StandingWriter();
        await using (var log = new DemoLog(writer, coloured: false))
        {
            log.Line(Node, "first");
            await writer.Reached;
            for (int i = 0; i < 10_000; i++)
            {
                log.Line(Node, "more");
            }

            writer.Release();
        }

        Assert.Contains(Lines(writer), l => l == "demo | (1808 lines were dropped while the output was blocked)");
    }

    [Fact]
    public async Task Line_that_nobody_reads_any_more_drops_the_rest()
    {
        using var writer = new BrokenPipe();
        await using (var log = new DemoLog(writer, coloured: false))
        {
            log.Line(Node, "first");
            log.Line(Node, "second");
        }

        Assert.Equal(1, writer.Attempts);
    }

    private static string[] Lines(StringWriter writer) =>
        writer.ToString().Split(writer.NewLine, StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Blocks in its first line until released, as a terminal does after Ctrl-S.</summary>
    private sealed class StandingWriter : StringWriter
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Reached => _reached.Task;

        public void Release() => _released.SetResult();

        public override async Task WriteLineAsync(string? value)
        {
            _reached.TrySetResult();
            await _released.Task;
            await base.WriteLineAsync(value);
        }
    }

    /// <summary>A pipe whose reader has gone.</summary>
    private sealed class BrokenPipe : StringWriter
    {
        public int Attempts { get; private set; }

        public override Task WriteLineAsync(string? value)
        {
            Attempts++;
            throw new IOException("Broken pipe");
        }
    }
}
