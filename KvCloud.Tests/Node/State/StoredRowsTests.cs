using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Tests.Node.State;

/// <summary>The hash of what is stored, whatever each replica has collected of what is not.</summary>
public sealed class StoredRowsTests
{
    [Fact]
    public void Hash_of_two_stores_with_the_same_rows_is_the_same_whatever_was_collected()
    {
        using StateHarness one = Filled();
        using StateHarness other = Filled();
        while (other.Executor.CollectIdle())
        {
        }

        Assert.Equal(HashOf(one, 1_000_000), HashOf(other, 10));
        Assert.Equal(2, HashOf(one, 100).Rows);
    }

    [Fact]
    public void Hash_of_a_store_that_lacks_a_row_is_another_although_the_states_have_the_same_hash()
    {
        using StateHarness one = Filled();
        using StateHarness other = Filled();
        Assert.True(((MemoryKvStore)other.Store).TryDropSilently("\0\0\0\0b"u8));

        Assert.Equal(one.Executor.Applied, other.Executor.Applied);
        Assert.NotEqual(HashOf(one, 100), HashOf(other, 100));
    }

    [Fact]
    public void Hash_is_of_the_moment_at_which_the_rows_were_opened()
    {
        using StateHarness state = Filled();
        (ulong before, _) = HashOf(state, 100);
        using StoredRows rows = state.Executor.OpenStoredRows();
        state.UnixMs += 86_400_000;
        state.Apply(new SetCommand(null, "a"u8.ToArray(), "later"u8.ToArray()));
        state.Executor.Flush();
        while (rows.Advance(1))
        {
        }

        Assert.Equal(before, rows.Hash);
        Assert.NotEqual(before, HashOf(state, 100).Hash);
    }

    private static (ulong Hash, long Rows) HashOf(StateHarness state, int bytes)
    {
        using StoredRows rows = state.Executor.OpenStoredRows();
        while (rows.Advance(bytes))
        {
        }

        return (rows.Hash, rows.Rows);
    }

    private static StateHarness Filled()
    {
        var state = StateHarness.InMemory();
        state.Retention = new MvccRetention(1, 1);
        state.Apply(
            new SetCommand(null, "a"u8.ToArray(), "1"u8.ToArray()),
            new SetCommand(null, "b"u8.ToArray(), "2"u8.ToArray()),
            new SetCommand(null, "c"u8.ToArray(), "3"u8.ToArray()));
        state.Apply(
            new DeleteCommand(null, "c"u8.ToArray()),
            new CreateColumnFamilyCommand("other"),
            new SetCommand("other", "d"u8.ToArray(), "4"u8.ToArray()),
            new DropColumnFamilyCommand("other"));
        return state;
    }
}
