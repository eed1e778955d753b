using System.Text;
using KvCloud.Client;
using KvCloud.WebConsole.Data;

namespace KvCloud.Tests.WebConsole;

/// <summary>Against a replica in this process.</summary>
public sealed class KeyBrowserTests
{
    private static readonly ReadAt Newest = new();

    [Fact]
    public async Task ListLevelAsync_keys_with_a_delimiter_are_one_row_for_each_prefix()
    {
        await using ConsoleStore store = await ConsoleStore.StartAsync();
        foreach (string key in (string[])["a", "b/1", "b/2", "b/c/1", "b/c/2", "d", "e/1"])
        {
            await store.Client.SetAsync(Bytes(key), Bytes("v"));
        }

        Assert.Equal(["a", "b/", "d", "e/"], await LevelAsync(store.Browser, ""));
        Assert.Equal(["b/1", "b/2", "b/c/"], await LevelAsync(store.Browser, "b/"));
        Assert.Empty(await LevelAsync(store.Browser, "x/"));
    }

    [Fact]
    public async Task ListLevelAsync_prefix_of_the_greatest_byte_ends()
    {
        await using ConsoleStore store = await ConsoleStore.StartAsync();
        await store.Client.SetAsync((byte[])[0xff, (byte)'/', 1], Bytes("v"));
        KeyPage page = await store.Browser.ListLevelAsync([], null, (byte)'/', Newest, default);
        Assert.True(Assert.Single(page.Rows).IsPrefix);
        Assert.Null(page.Next);
    }

    [Fact]
    public async Task ListAsync_more_than_a_page_goes_on_where_it_ended()
    {
        await using ConsoleStore store = await ConsoleStore.StartAsync();
        for (int i = 0; i <= KeyBrowser.PageRows; i++)
        {
            await store.Client.SetAsync(Bytes($"k{i:D3}"), Bytes("v"));
        }

        KeyPage first = await store.Browser.ListAsync(Bytes("k"), null, Newest, default);
        Assert.Equal(KeyBrowser.PageRows, first.Rows.Count);
        KeyPage second = await store.Browser.ListAsync(Bytes("k"), first.Next, Newest, default);
        Assert.Equal("k100", Assert.Single(second.Rows).Name);
        Assert.Null(second.Next);
    }

    [Fact]
    public async Task HistoryAsync_of_a_key_that_was_written_and_made_anew_has_each_value_newest_first()
    {
        await using ConsoleStore store = await ConsoleStore.StartAsync();
        byte[] key = Bytes("key");
        long one = await store.Client.SetAsync(key, Bytes("1"));
        long two = await store.Client.SetAsync(key, Bytes("2"));
        await store.Client.DeleteAsync(key);
        long three = await store.Client.SetAsync(key, Bytes("3"));

        IReadOnlyList<KeyVersion> history = await store.Browser.HistoryAsync(key, Newest, default);
        Assert.Equal(three, history[0].Version);
        Assert.Equal("3", Encoding.UTF8.GetString(history[0].Value!));
        Assert.Null(history[1].Value);
        Assert.True(history[1].Version < three);

        // Before it was deleted.
        history = await store.Browser.HistoryAsync(key, Newest with { Version = two }, default);
        Assert.Equal([two, one], history.Take(2).Select(version => version.Version));
    }

    [Fact]
    public async Task SaveAsync_key_that_is_as_it_was_read_is_written()
    {
        await using ConsoleStore store = await ConsoleStore.StartAsync();
        byte[] key = Bytes("key");
        long read = await store.Client.SetAsync(key, Bytes("1"));
        SaveOutcome outcome = await store.Browser.SaveAsync(key, read, Bytes("2"), null, default);
        Assert.False(outcome.IsConflict);
        Assert.Equal(outcome.Version, (await store.Browser.GetAsync(key, Newest, default))!.Value.Version);

        outcome = await store.Browser.SaveAsync(key, outcome.Version, null, null, default);
        Assert.False(outcome.IsConflict);
        Assert.Null(await store.Browser.GetAsync(key, Newest, default));
    }

    [Fact]
    public async Task SaveAsync_key_that_somebody_else_has_changed_is_refused_with_what_it_holds_now()
    {
        await using ConsoleStore store = await ConsoleStore.StartAsync();
        byte[] key = Bytes("key");
        long read = await store.Client.SetAsync(key, Bytes("1"));
        await store.Client.SetAsync(key, Bytes("theirs"));
        SaveOutcome outcome = await store.Browser.SaveAsync(key, read, Bytes("mine"), null, default);
        Assert.True(outcome.IsConflict);
        Assert.Null(outcome.Version);
        Assert.Equal("theirs", Encoding.UTF8.GetString(outcome.Current!.Value.Value));
        Assert.Equal("theirs", Encoding.UTF8.GetString((await store.Client.GetAsync(key))!));
    }

    [Fact]
    public async Task SaveAsync_new_key_that_exists_meanwhile_is_refused()
    {
        await using ConsoleStore store = await ConsoleStore.StartAsync();
        byte[] key = Bytes("key");
        await store.Client.SetAsync(key, Bytes("theirs"));
        Assert.True((await store.Browser.SaveAsync(key, null, Bytes("mine"), null, default)).IsConflict);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static async Task<IEnumerable<string>> LevelAsync(KeyBrowser browser, string prefix) =>
        (await browser.ListLevelAsync(Bytes(prefix), null, (byte)'/', Newest, default)).Rows.Select(row => row.Name);
}
