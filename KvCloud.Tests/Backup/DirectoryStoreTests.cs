using KvCloud.Backup;
using KvCloud.Backup.Stores;

namespace KvCloud.Tests.Backup;

public sealed class DirectoryStoreTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("kvcloud-archive-").FullName;
    private readonly DirectoryStore _store;

    public DirectoryStoreTests() => _store = new DirectoryStore(Path.Combine(_root, "deep", "archive"));

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public Task WriteAsync_object_is_read_listed_replaced_and_deleted() =>
        StoreContract.ShowsWhatWasWrittenAsync(_store);

    [Fact]
    public Task TryCreateAsync_second_time_leaves_the_first() => StoreContract.CreatesOnceAsync(_store);

    [Fact]
    public Task BeginUploadAsync_object_is_there_whole_or_not_at_all() =>
        StoreContract.UploadsAreThereWholeOrNotAtAllAsync(_store);

    [Fact]
    public Task ListAsync_many_objects_are_all_there() => StoreContract.ListsManyAsync(_store);

    [Fact]
    public async Task RemoveAbandonedUploadsAsync_removes_what_a_killed_process_left()
    {
        // Never disposed, as by a process that was killed.
        IArchiveUpload upload = await _store.BeginUploadAsync("files/a", 4, CancellationToken.None);
        await upload.AppendAsync("some"u8.ToArray(), CancellationToken.None);
        string folder = Path.Combine(_root, "deep", "archive", "tmp");

        await _store.RemoveAbandonedUploadsAsync(DateTimeOffset.UtcNow.AddHours(-1), CancellationToken.None);
        Assert.Single(Directory.GetFiles(folder));
        await _store.RemoveAbandonedUploadsAsync(DateTimeOffset.UtcNow.AddHours(1), CancellationToken.None);
        Assert.Empty(Directory.GetFiles(folder));
    }

    [Fact]
    public async Task WriteAsync_where_a_file_stands_in_the_way_names_the_path()
    {
        await File.WriteAllTextAsync(Path.Combine(_root, "deep"), "a file");

        ArchiveException exception = await Assert.ThrowsAnyAsync<ArchiveException>(
            () => _store.WriteAsync("files/a", default, CancellationToken.None));

        Assert.Contains(_root, exception.Message, StringComparison.Ordinal);
    }
}
