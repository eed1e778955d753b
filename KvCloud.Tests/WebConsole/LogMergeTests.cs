using KvCloud.Monitoring;
using KvCloud.WebConsole.Monitoring;

namespace KvCloud.Tests.WebConsole;

public sealed class LogMergeTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly LogMerge _merge = new();

    [Fact]
    public void Newest_of_two_nodes_is_in_the_order_of_time()
    {
        _merge.Add(0, Logs(0, next: 12, Line(11, 1, "info", "first"), Line(12, 3, "info", "third")));
        _merge.Add(1, Logs(1, next: 21, Line(21, 2, "info", "second")));

        Assert.Equal(
            [(0, "third"), (1, "second"), (0, "first")],
            _merge.Newest(null, "trace", null).Select(one => (one.Node, one.Line.Message)));
        Assert.Equal((12, 21, null), (_merge.NextOf(0), _merge.NextOf(1), _merge.NextOf(2)));
    }

    [Fact]
    public void Newest_of_a_node_a_level_and_a_text_leaves_out_the_rest()
    {
        _merge.Add(0, Logs(
            0, 3, Line(1, 1, "warn", "disk is slow"), Line(2, 2, "info", "disk"), Line(3, 3, "error", "x")));
        _merge.Add(1, Logs(1, 1, Line(1, 1, "error", "disk is gone")));

        Assert.Equal(["disk is slow"], _merge.Newest(0, "warn", "DISK").Select(one => one.Line.Message));
    }

    [Fact]
    public void Add_of_more_lines_than_are_kept_drops_the_oldest_of_that_node()
    {
        NodeLogLine[] lines =
        [
            .. Enumerable.Range(1, LogMerge.MaxLinesOfNode + 5).Select(index => Line(index, index, "info", $"{index}")),
        ];
        _merge.Add(0, Logs(0, lines.Length, lines));

        Assert.Equal(LogMerge.MaxLinesOfNode, _merge.Count);
        Assert.Equal(LogMerge.MaxShown, _merge.Newest(null, "info", null).Count);
        Assert.Empty(_merge.Newest(null, "info", "there is no such text"));
    }

    private static NodeLogs Logs(int node, long next, params NodeLogLine[] lines) =>
        new() { NodeId = node, Next = next, Lines = lines };

    private static NodeLogLine Line(long sequence, int second, string level, string message) => new()
    {
        Sequence = sequence,
        Time = Noon.AddSeconds(second),
        Level = level,
        Category = "KvCloud.Node.Test",
        Message = message,
    };
}
