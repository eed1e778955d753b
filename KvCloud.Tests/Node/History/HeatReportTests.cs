using System.Globalization;
using System.Text;
using KvCloud.Node.History;
using Microsoft.Extensions.Time.Testing;

namespace KvCloud.Tests.Node.History;

public sealed class HeatReportTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly KeyHeat _heat;

    public HeatReportTests()
    {
        _heat = new KeyHeat(_time);
    }

    [Fact]
    public void Of_even_calls_are_ranges_of_about_equally_many()
    {
        for (int key = 0; key < 400; key++)
        {
            Read(key.ToString("D3", CultureInfo.InvariantCulture));
        }

        var report = HeatReport.Of(_heat.Windows(), maxRanges: 4);

        Assert.Equal(
            [("000", "099"), ("100", "199"), ("200", "299"), ("300", "399")],
            report.Ranges.Select(range => (Text(range.FirstKey), Text(range.LastKey))));
        Assert.All(report.Ranges, range => Assert.Equal([100L * KeyHeat.Sampling], range.Reads));
        Assert.All(report.Ranges, range => Assert.Equal([0L], range.Writes));
    }

    [Fact]
    public void Of_one_hot_key_among_others_is_a_range_that_ends_with_it()
    {
        for (int call = 0; call < 100; call++)
        {
            Read("a/1");
            Read("m/hot");
            Read("m/hot");
            Read("z/9");
        }

        var report = HeatReport.Of(_heat.Windows(), maxRanges: 4);

        Assert.Equal(
            [("a/1", "a/1"), ("m/hot", "m/hot"), ("z/9", "z/9")],
            report.Ranges.Select(range => (Text(range.FirstKey), Text(range.LastKey))));
        Assert.Equal("m/hot", Text(report.HotKeys[0].FirstKey));
        Assert.Equal([200L * KeyHeat.Sampling], report.HotKeys[0].Reads);
    }

    [Fact]
    public void Of_two_column_families_and_windows_tells_them_apart()
    {
        _heat.Add([new CallKey("left", Bytes("k"))], isWrite: true);
        _time.Advance(TimeSpan.FromSeconds(KeyHeat.WindowSeconds));
        _heat.Add([new CallKey(null, Bytes("k"))], isWrite: false);

        var report = HeatReport.Of(_heat.Windows(), maxRanges: 1);

        Assert.Equal(["default", "left"], report.Ranges.Select(range => range.ColumnFamily));
        Assert.Equal([0L, KeyHeat.Sampling], report.Ranges[0].Reads);
        Assert.Equal([KeyHeat.Sampling, 0L], report.Ranges[1].Writes);
        Assert.Equal(2, report.Starts.Count);
    }

    [Fact]
    public void Of_no_calls_has_no_ranges()
    {
        var report = HeatReport.Of(_heat.Windows(), maxRanges: 8);

        Assert.Empty(report.Ranges);
        Assert.Empty(report.HotKeys);
        Assert.Single(report.Starts);
    }

    private void Read(string key) => _heat.Add([new CallKey(null, Bytes(key))], isWrite: false);

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);
}
