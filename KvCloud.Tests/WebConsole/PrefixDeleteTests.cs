using System.Text;
using KvCloud.Client;
using KvCloud.WebConsole.Data;
using KvCloud.WebConsole.Sessions;

namespace KvCloud.Tests.WebConsole;

/// <summary>Against a replica in this process.</summary>
public sealed class PrefixDeleteTests
{
    [Fact]
    public async Task DeleteAsync_more_than_a_transaction_deletes_what_has_the_prefix_and_nothing_else()
    {
        await using ConsoleStore store = await ConsoleStore.StartAsync();
        int keys = PrefixDelete.BatchKeys + 7;
        await store.FillAsync("a/", keys);
        await store.FillAsync("b/", 3);
        var told = new List<long>();
        var delete = new PrefixDelete(store.Client, store.Writes);

        PrefixCount before = await delete.CountAsync(Bytes("a/"), new ReadAt(), default);
        long deleted = await delete.DeleteAsync(Bytes("a/"), null, told.Add, default);

        Assert.Equal(keys, before.Keys);
        Assert.True(before.IsWhole);
        Assert.Equal(keys, deleted);
        Assert.Equal([PrefixDelete.BatchKeys, keys], told);
        Assert.Equal(0, (await delete.CountAsync(Bytes("a/"), new ReadAt(), default)).Keys);
        Assert.Equal(3, (await delete.CountAsync(Bytes("b/"), new ReadAt(), default)).Keys);
    }

    [Fact]
    public async Task DeleteAsync_without_a_prefix_is_refused()
    {
        await using ConsoleStore store = await ConsoleStore.StartAsync();
        await Assert.ThrowsAsync<ArgumentException>(
            () => new PrefixDelete(store.Client, store.Writes).DeleteAsync([], null, _ => { }, default));
    }

    [Fact]
    public async Task DeleteAsync_of_a_page_that_is_locked_meanwhile_stops_and_says_so()
    {
        await using ConsoleStore store = await ConsoleStore.StartAsync("Production");
        await store.FillAsync("a/", PrefixDelete.BatchKeys + 1);
        var delete = new PrefixDelete(store.Client, store.Writes);
        store.Writes.Unlock();

        await Assert.ThrowsAsync<WritesLockedException>(
            () => delete.DeleteAsync(Bytes("a/"), null, _ => store.Writes.Lock(), default));

        Assert.Equal(1, (await delete.CountAsync(Bytes("a/"), new ReadAt(), default)).Keys);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
