using KvCloud.Node.Operations;
using KvCloud.Node.State;
using static KvCloud.Tests.Node.State.StateHarness;

namespace KvCloud.Tests.Node.State;

public sealed class RangeTests : IDisposable
{
    private readonly StateHarness _state = InMemory();

    public RangeTests()
    {
        _state.Apply(Set("a", "1"), Set("b", "1"), Set("c", "1"), Set("d", "1"), Set("e", "1"));
        _state.Apply(Set("b", "2"), Delete("c"), Set("f", "2"));
    }

    public void Dispose() => _state.Dispose();

    [Theory]
    [InlineData("b", true, 0, "e", false, 0, "b d")]
    [InlineData("b", false, 0, "e", true, 0, "d e")]
    [InlineData("", true, 2, null, false, 0, "d e f")]
    [InlineData("a", true, 0, "b", false, 2, "a b d")]
    [InlineData("a", true, 0, "b", false, 9, "a b d e f")]
    [InlineData("a", true, 0, "e", true, -2, "a b")]
    [InlineData("a", true, 0, null, false, -1, "a b d e")]
    [InlineData("a", true, 0, "c", false, -9, "")]
    [InlineData("e", true, 0, "b", false, 0, "")]
    [InlineData("d", true, 0, "b", false, 2, "d")]
    [InlineData("a", true, 9, "z", false, 0, "")]
    public void GetRange_bounds_and_offsets_follow_the_contract(
        string begin, bool beginOrEqual, int beginOffset, string? end, bool endOrEqual, int endOffset, string expected)
    {
        var query = new RangeQuery(
            Bytes(begin), beginOrEqual, beginOffset, OptionalBytes(end), endOrEqual, endOffset, 0, 0);

        Assert.Equal(expected, string.Join(' ', _state.Range(query).Select(row => row[0])));
    }

    [Fact]
    public void GetRange_at_version_sees_that_moment()
    {
        Assert.Equal(["a=1", "b=1", "c=1", "d=1", "e=1"], _state.Range(All(), at: 5));
        Assert.Equal(["a=1", "b=2", "d=1", "e=1"], _state.Range(All(), at: 7));
        Assert.Equal([], _state.Range(All(), at: 0));
        Assert.Equal(["a=1", "b=2", "d=1", "e=1", "f=2"], _state.Range(All()));
    }

    [Fact]
    public void GetRange_offsets_count_keys_of_the_version_that_is_read()
    {
        RangeQuery query = All() with { End = Bytes("c"), EndOffset = 1 };

        Assert.Equal(["a=1", "b=1", "c=1"], _state.Range(query, at: 5));
        Assert.Equal(["a=1", "b=2", "d=1"], _state.Range(query));
    }

    [Fact]
    public void GetRange_limit_says_whether_there_is_more()
    {
        RangeResult four = _state.Reader.GetRange(null, All(limit: 4), null);
        RangeResult five = _state.Reader.GetRange(null, All(limit: 5), null);

        Assert.Equal(4, four.Rows.Count);
        Assert.True(four.HasMore);
        Assert.Equal(5, five.Rows.Count);
        Assert.False(five.HasMore);
        Assert.Equal(8, five.ReadAt.Value);
        Assert.Equal([1L, 6L, 4L, 5L, 8L], five.Rows.Select(row => row.Version.Value));
    }

    [Fact]
    public void GetRange_byte_limit_holds_but_one_row_always_comes()
    {
        RangeResult one = _state.Reader.GetRange(null, All() with { LimitBytes = 1 }, null);
        RangeResult two = _state.Reader.GetRange(
            null, All() with { LimitBytes = 2 * (2 + KvLimits.RangeRowOverheadBytes) }, null);

        Assert.Single(one.Rows);
        Assert.True(one.HasMore);
        Assert.Equal(2, two.Rows.Count);
        Assert.True(two.HasMore);
    }

    [Fact]
    public void GetRange_default_byte_limit_bounds_one_without_row_limit()
    {
        for (int i = 0; i < 5; i++)
        {
            _state.Apply(new KvCloud.Node.Operations.SetCommand(null, Bytes($"x{i}"), new byte[400_000]));
        }

        RangeResult result = _state.Reader.GetRange(null, All() with { Begin = Bytes("x") }, null);

        Assert.Equal(2, result.Rows.Count);
        Assert.True(result.HasMore);
    }

    [Fact]
    public void RangeScan_in_single_steps_is_the_same()
    {
        RangeQuery query = All() with { BeginOffset = 1, End = Bytes("b"), EndOffset = 3 };
        using RangeScan? scan = _state.Reader.OpenRange(null, query, null, out _);
        int steps = 1;
        while (!scan!.Advance(1))
        {
            steps++;
        }

        RangeResult result = _state.Reader.ResultOf(scan);

        Assert.Equal(_state.Range(query), result.Rows.Select(row => $"{Text(row.Key)}={Text(row.Value)}"));
        Assert.Equal(scan.Visited, steps);
        static string Text(byte[] bytes) => System.Text.Encoding.UTF8.GetString(bytes);
    }

    [Fact]
    public void RangeScan_that_reaches_the_limit_of_visits_goes_on_from_its_rows()
    {
        // a b (c is deleted) d e f
        using var scan = new RangeScan(_state.Store, Default, All(), new CommitVersion(8), visitLimit: 4);

        Assert.True(scan.Advance(100));

        Assert.Equal(3, scan.Result.Rows.Count);
        Assert.True(scan.Result.HasMore);
    }

    [Fact]
    public void RangeScan_that_reaches_the_limit_of_visits_without_a_row_is_refused_by_name()
    {
        using var scan = new RangeScan(
            _state.Store, Default, All() with { BeginOffset = 4 }, new CommitVersion(8), visitLimit: 4);

        Assert.True(scan.Advance(100));

        Assert.Equal(KvStatus.InvalidArgument, scan.Result.Code);
        Assert.Contains(
            "visits more than 4 keys, the limit of one call", scan.Result.Message, StringComparison.Ordinal);
        Assert.Contains("begin at a later key", scan.Result.Message, StringComparison.Ordinal);
    }

    private static Keyspace Default { get; } = new(0, "default", CommitVersion.Zero);

    [Fact]
    public void GetRange_arguments_out_of_range_are_named()
    {
        AssertInvalid(All() with { Limit = -1 }, "limit");
        AssertInvalid(All() with { LimitBytes = -1 }, "limit_bytes");
        AssertInvalid(All() with { BeginOffset = -1 }, "begin_offset");
        AssertInvalid(All() with { EndOffset = int.MinValue }, "end_offset");
    }

    private void AssertInvalid(RangeQuery query, string name)
    {
        RangeResult result = _state.Reader.GetRange(null, query, null);

        Assert.Equal(KvStatus.InvalidArgument, result.Code);
        Assert.StartsWith(name, result.Message, StringComparison.Ordinal);
    }
}
