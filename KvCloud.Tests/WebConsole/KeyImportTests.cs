using System.Text;
using KvCloud.WebConsole.Data;

namespace KvCloud.Tests.WebConsole;

/// <summary>Against a replica in this process.</summary>
public sealed class KeyImportTests
{
    [Fact]
    public async Task PreviewAsync_says_what_is_new_changed_the_same_and_wrong_and_writes_nothing()
    {
        await using ConsoleStore store = await ConsoleStore.StartAsync();
        await store.Client.SetAsync(Bytes("changed"), Bytes("old"));
        await store.Client.SetAsync(Bytes("same"), Bytes("as it is"));
        byte[] file = Bytes(
            "changed\tnew\nsame\tas it is\nfresh\\x00\ta\\nb\nno tab\n\tno key\nbad\\q\tescape\nfresh\\x00\tagain\n");

        ImportPreview preview = await new KeyImport(store.Client, store.Writes).PreviewAsync(file, null, default);

        Assert.Equal((1, 1, 1), (preview.New, preview.Changed, preview.Same));
        Assert.Equal("fresh\0", Encoding.UTF8.GetString(preview.Rows.Single(row => row.IsNew).Key));
        Assert.Equal("a\nb", Encoding.UTF8.GetString(preview.Rows.Single(row => row.IsNew).Value));
        Assert.Equal(
            ["line 4", "line 5", "line 6", "line 7"], preview.Problems.Select(problem => problem.Split(':')[0]));
        Assert.Null(await store.Client.GetAsync(Bytes("fresh\0")));
        Assert.Equal("old", Encoding.UTF8.GetString((await store.Client.GetAsync(Bytes("changed")))!));
    }

    [Fact]
    public async Task WriteAsync_key_that_changed_since_the_preview_is_left_and_told()
    {
        await using ConsoleStore store = await ConsoleStore.StartAsync();
        await store.Client.SetAsync(Bytes("b"), Bytes("old"));
        var import = new KeyImport(store.Client, store.Writes);
        ImportPreview preview = await import.PreviewAsync(Bytes("a\t1\nb\t2\nc\t3"), null, default);

        await store.Client.SetAsync(Bytes("b"), Bytes("theirs"));
        await store.Client.SetAsync(Bytes("c"), Bytes("theirs too"));
        ImportOutcome outcome = await import.WriteAsync(preview, null, _ => { }, default);

        Assert.Equal(1, outcome.Written);
        Assert.Equal([2, 3], outcome.Conflicts);
        Assert.Equal("1", Encoding.UTF8.GetString((await store.Client.GetAsync(Bytes("a")))!));
        Assert.Equal("theirs", Encoding.UTF8.GetString((await store.Client.GetAsync(Bytes("b")))!));
    }

    [Fact]
    public async Task WriteAsync_more_than_a_transaction_writes_all_of_it()
    {
        await using ConsoleStore store = await ConsoleStore.StartAsync();
        var import = new KeyImport(store.Client, store.Writes);
        string file = string.Join('\n', Enumerable.Range(0, 450).Select(index => $"k{index:D3}\tv{index}"));
        var told = new List<int>();

        ImportPreview preview = await import.PreviewAsync(Bytes(file), null, default);
        ImportOutcome outcome = await import.WriteAsync(preview, null, told.Add, default);

        Assert.Equal(450, outcome.Written);
        Assert.Equal([200, 400, 450], told);
        Assert.Equal("v449", Encoding.UTF8.GetString((await store.Client.GetAsync(Bytes("k449")))!));
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
