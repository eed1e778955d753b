using KvCloud.Backup.Stores;

namespace KvCloud.Tests.Backup;

/// <summary>
/// A store whose writes can be made to hang until they are cancelled, like those to a file server that is gone.
/// </summary>
internal sealed class HangingStore(IArchiveStore store) : IArchiveStore
{
    private volatile bool _hangs;

    public string Address => store.Address;

    public void Hang() => _hangs = true;

    public Task<Stream?> TryOpenAsync(string name, CancellationToken cancellationToken) =>
        store.TryOpenAsync(name, cancellationToken);

    public Task<bool> TryCreateAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        store.TryCreateAsync(name, content, cancellationToken);

    public Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => _hangs
        ? Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken)
        : store.WriteAsync(name, content, cancellationToken);

    public Task<IArchiveUpload> BeginUploadAsync(string name, long sizeBytes, CancellationToken cancellationToken) =>
        store.BeginUploadAsync(name, sizeBytes, cancellationToken);

    public IAsyncEnumerable<StoredObject> ListAsync(string folder, CancellationToken cancellationToken) =>
        store.ListAsync(folder, cancellationToken);

    public Task DeleteAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken) =>
        store.DeleteAsync(names, cancellationToken);

    public Task RemoveAbandonedUploadsAsync(DateTimeOffset before, CancellationToken cancellationToken) =>
        store.RemoveAbandonedUploadsAsync(before, cancellationToken);

    public void Dispose() => store.Dispose();
}
