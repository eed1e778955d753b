using KvCloud.Node.Operations;
using KvCloud.Node.Storage;
using static KvCloud.Tests.Node.State.StateHarness;

namespace KvCloud.Tests.Node.State;

public sealed class ColumnFamilyTests : IDisposable
{
    private readonly StateHarness _state = InMemory();

    public void Dispose() => _state.Dispose();

    [Fact]
    public void CreateColumnFamily_of_a_new_name_makes_a_keyspace_of_its_own()
    {
        _state.Apply(new CreateColumnFamilyCommand("users"), Set("a", "default"), Set("a", "users", "users"));

        Assert.Equal(["default", "users"], _state.Reader.ColumnFamilies);
        Assert.Equal("default", _state.Get("a"));
        Assert.Equal("default", _state.Get("a", columnFamily: "default"));
        Assert.Equal("users", _state.Get("a", columnFamily: "users"));
        Assert.Equal(2, _state.Reader.GetStatistics().TotalKeys);
    }

    [Fact]
    public void CreateColumnFamily_twice_and_drop_of_default_or_unknown_are_refused()
    {
        IReadOnlyList<CommandResult> results = _state.Apply(
            new CreateColumnFamilyCommand("users"),
            new CreateColumnFamilyCommand("users"),
            new CreateColumnFamilyCommand("default"),
            new DropColumnFamilyCommand("default"),
            new DropColumnFamilyCommand("nowhere"),
            new CreateColumnFamilyCommand(new string('x', 129)),
            new CreateColumnFamilyCommand("a\nb"));

        Assert.Equal(
            [
                KvStatus.Ok, KvStatus.ColumnFamilyExists, KvStatus.ColumnFamilyExists,
                KvStatus.InvalidArgument, KvStatus.ColumnFamilyNotFound, KvStatus.InvalidArgument,
                KvStatus.InvalidArgument,
            ],
            results.Select(result => result.Code));
    }

    [Fact]
    public void CreateColumnFamily_beyond_the_limit_is_refused()
    {
        for (int i = 1; i < KvLimits.ColumnFamilies; i++)
        {
            Assert.Equal(KvStatus.Ok, _state.ApplyOne(new CreateColumnFamilyCommand($"cf{i}")).Code);
        }

        Assert.Equal(KvStatus.InvalidArgument, _state.ApplyOne(new CreateColumnFamilyCommand("last")).Code);
    }

    [Fact]
    public void DropColumnFamily_of_one_takes_everything_and_a_new_one_of_the_name_starts_empty()
    {
        _state.Apply(new CreateColumnFamilyCommand("users"), Set("a", "1", "users"), Set("a", "2", "users"));
        _state.Apply(Set("b", "1", "users"), new DropColumnFamilyCommand("users"), Set("a", "3", "users"));

        Assert.Equal(KvStatus.ColumnFamilyNotFound, _state.Reader.Get("users", Bytes("a"), null).Code);
        Assert.Equal(0, _state.Reader.GetStatistics().TotalKeys);

        _state.Apply(new CreateColumnFamilyCommand("users"));
        Assert.Null(_state.Get("a", columnFamily: "users"));
        Assert.Null(_state.Get("b", columnFamily: "users"));
        Assert.Equal(
            "Column family 'users' not found",
            _state.Reader.Get("users", Bytes("a"), new CommitVersion(3)).Message);
    }

    [Fact]
    public void Commit_that_read_a_family_made_anew_conflicts()
    {
        _state.Apply(new CreateColumnFamilyCommand("users"), Set("a", "1", "users"));
        _state.Apply(new DropColumnFamilyCommand("users"), new CreateColumnFamilyCommand("users"));
        var commit = new CommitCommand(
            new CommitVersion(2), [Mutate(MutationKind.Set, "x", "1")], [new ConflictKey("users", Bytes("a"))], []);

        Assert.Equal(KvStatus.Conflict, _state.ApplyOne(commit).Code);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void DropColumnFamily_keys_go_little_by_little_whatever_crashes(bool crash)
    {
        _state.Apply(
            new CreateColumnFamilyCommand("users"), new CreateColumnFamilyCommand("others"), Set("a", "default"));
        _state.Apply([.. Enumerable.Range(0, 1_000).Select(i => Set($"k{i}", "x", "users"))]);
        _state.Apply(
            Set("k1", "x", "others"), new DropColumnFamilyCommand("users"), new CreateColumnFamilyCommand("users"));
        _state.Apply(Set("k1", "anew", "users"));
        Assert.InRange(CountStored(), 3 + 500, 3 + 1_000);

        _state.Executor.Flush();
        if (crash)
        {
            Assert.True(_state.Executor.CollectIdle(100));
            _state.Crash();
            Assert.InRange(CountStored(), 3 + 500, 3 + 1_000);
        }

        for (int i = 0; _state.Executor.CollectIdle(100); i++)
        {
            Assert.True(i < 20, "there is no end to it");
        }

        Assert.Equal(3, CountStored());
        Assert.Equal("anew", _state.Get("k1", columnFamily: "users"));
        Assert.Equal("x", _state.Get("k1", columnFamily: "others"));
        Assert.Equal(3, _state.Reader.GetStatistics().TotalKeys);
        _state.Executor.Flush();
        _state.Crash();
        Assert.False(_state.Executor.CollectIdle());
        Assert.Equal(3, CountStored());
    }

    [Fact]
    public void CreateColumnFamily_of_several_survives_a_crash()
    {
        _state.Apply(new CreateColumnFamilyCommand("users"), Set("a", "1", "users"), Set("b", "1"));
        _state.Apply(new CreateColumnFamilyCommand("gone"), new DropColumnFamilyCommand("gone"));
        _state.Executor.Flush();
        _state.Crash();

        Assert.Equal(["default", "users"], _state.Reader.ColumnFamilies);
        Assert.Equal("1", _state.Get("a", columnFamily: "users"));
        Assert.Equal(2, _state.Reader.GetStatistics().TotalKeys);
        Assert.Equal(KvStatus.Ok, _state.ApplyOne(new CreateColumnFamilyCommand("gone")).Code);
        Assert.Null(_state.Get("a", columnFamily: "gone"));
    }

    private int CountStored()
    {
        int count = 0;
        using IKvIterator records = _state.Store.IterateNewest();
        for (records.Seek([]); records.IsValid; records.MoveNext())
        {
            count++;
        }

        return count;
    }
}
