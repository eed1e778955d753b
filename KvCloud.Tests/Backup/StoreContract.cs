using System.Text;
using KvCloud.Backup;
using KvCloud.Backup.Stores;

namespace KvCloud.Tests.Backup;

/// <summary>What an archive relies on, whatever it is kept in.</summary>
internal static class StoreContract
{
    private const int LargeBytes = (20 * 1024 * 1024) + 17;

    public static async Task ShowsWhatWasWrittenAsync(IArchiveStore store)
    {
        Assert.Null(await store.TryReadAsync("leases/a", 100, CancellationToken.None));
        await store.WriteAsync("leases/a", "one"u8.ToArray(), CancellationToken.None);
        await store.WriteAsync("leases/a", "three"u8.ToArray(), CancellationToken.None);
        await store.WriteAsync("leases/b", default, CancellationToken.None);

        Assert.Equal("three", await TextOfAsync(store, "leases/a"));
        List<StoredObject> listed = await store.ListAllAsync("leases/", CancellationToken.None);
        Assert.Equal(["leases/a", "leases/b"], listed.Select(stored => stored.Name));
        Assert.Equal([5, 0], listed.Select(stored => stored.SizeBytes));
        Assert.All(
            listed,
            stored => Assert.InRange(
                stored.Modified, DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddMinutes(1)));
        Assert.Empty(await store.ListAllAsync("log/", CancellationToken.None));
        await Assert.ThrowsAsync<ArchiveException>(() => store.TryReadAsync("leases/a", 4, CancellationToken.None));

        await store.DeleteAsync(["leases/a", "leases/never"], CancellationToken.None);
        await store.DeleteAsync(["leases/a"], CancellationToken.None);
        Assert.Null(await store.TryReadAsync("leases/a", 100, CancellationToken.None));
    }

    public static async Task CreatesOnceAsync(IArchiveStore store)
    {
        Assert.True(await store.TryCreateAsync("marker", "first"u8.ToArray(), CancellationToken.None));
        Assert.False(await store.TryCreateAsync("marker", "second"u8.ToArray(), CancellationToken.None));

        Assert.Equal("first", await TextOfAsync(store, "marker"));
    }

    public static async Task UploadsAreThereWholeOrNotAtAllAsync(IArchiveStore store)
    {
        byte[] content = new byte[LargeBytes];
        new Random(1).NextBytes(content);
        await using (IArchiveUpload dropped =
            await store.BeginUploadAsync("files/a", LargeBytes, CancellationToken.None))
        {
            await dropped.AppendAsync(content, CancellationToken.None);
        }

        Assert.Empty(await store.ListAllAsync("files/", CancellationToken.None));
        await using (IArchiveUpload upload =
            await store.BeginUploadAsync("files/a", LargeBytes, CancellationToken.None))
        {
            foreach (byte[] piece in content.Chunk(1024 * 1024))
            {
                await upload.AppendAsync(piece, CancellationToken.None);
            }

            await upload.CommitAsync(CancellationToken.None);
        }

        Assert.Equal(content, await store.TryReadAsync("files/a", LargeBytes, CancellationToken.None));
        Assert.Equal(LargeBytes, Assert.Single(await store.ListAllAsync("files/", CancellationToken.None)).SizeBytes);
    }

    /// <summary>More than one page of a listing.</summary>
    public static async Task ListsManyAsync(IArchiveStore store)
    {
        const int Count = 1_100;
        await Parallel.ForEachAsync(Enumerable.Range(0, Count), async (number, token) =>
            await store.WriteAsync(FormattableString.Invariant($"log/{number:D4}"), default, token));

        List<StoredObject> listed = await store.ListAllAsync("log/", CancellationToken.None);
        Assert.Equal(
            Enumerable.Range(0, Count).Select(number => FormattableString.Invariant($"log/{number:D4}")),
            listed.Select(stored => stored.Name));
        await store.DeleteAsync([.. listed.Skip(1).Select(stored => stored.Name)], CancellationToken.None);
        Assert.Equal("log/0000", Assert.Single(await store.ListAllAsync("log/", CancellationToken.None)).Name);
    }

    private static async Task<string> TextOfAsync(IArchiveStore store, string name) =>
        Encoding.UTF8.GetString((await store.TryReadAsync(name, 100, CancellationToken.None))!);
}
