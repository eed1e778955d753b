using KvCloud.Backup;
using KvCloud.Backup.Format;
using KvCloud.Backup.Stores;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Backup;

public sealed class S3StoreTests
{
    [FactNeeds(S3Server.Program)]
    public Task WriteAsync_object_is_read_listed_replaced_and_deleted() =>
        WithStoreAsync(StoreContract.ShowsWhatWasWrittenAsync);

    [FactNeeds(S3Server.Program)]
    public Task TryCreateAsync_second_time_leaves_the_first() => WithStoreAsync(StoreContract.CreatesOnceAsync);

    [FactNeeds(S3Server.Program)]
    public Task BeginUploadAsync_object_is_there_whole_or_not_at_all() =>
        WithStoreAsync(StoreContract.UploadsAreThereWholeOrNotAtAllAsync);

    [FactNeeds(S3Server.Program)]
    public Task ListAsync_many_objects_are_all_there() => WithStoreAsync(StoreContract.ListsManyAsync);

    [FactNeeds(S3Server.Program)]
    public async Task ListAsync_of_one_prefix_shows_nothing_of_another()
    {
        await using S3Server server = await S3Server.StartAsync();
        using IArchiveStore one = server.Open("one");
        using IArchiveStore other = server.Open("one/other");
        await one.WriteAsync("files/a", "1"u8.ToArray(), CancellationToken.None);
        await other.WriteAsync("files/b", "2"u8.ToArray(), CancellationToken.None);

        Assert.Equal("files/a", Assert.Single(await one.ListAllAsync("files/", CancellationToken.None)).Name);
        Assert.Equal("files/b", Assert.Single(await other.ListAllAsync("files/", CancellationToken.None)).Name);
    }

    [FactNeeds(S3Server.Program)]
    public async Task ReadAsync_of_a_bucket_that_is_not_there_names_it()
    {
        await using S3Server server = await S3Server.StartAsync();
        using IArchiveStore store = ArchiveAddress.Open(
            server.Url("a").Replace(S3Server.Bucket, "nowhere", StringComparison.Ordinal));

        ArchiveException exception = await Assert.ThrowsAsync<ArchiveException>(
            () => ArchiveMarker.ReadAsync(store, CancellationToken.None));

        Assert.Contains("nowhere", exception.Message, StringComparison.Ordinal);
        Assert.Contains("NoSuchBucket", exception.Message, StringComparison.Ordinal);
    }

    private static async Task WithStoreAsync(Func<IArchiveStore, Task> check)
    {
        await using S3Server server = await S3Server.StartAsync();
        using IArchiveStore store = server.Open("some/prefix");
        await check(store);
    }
}
