namespace KvCloud.Backup.Stores;

/// <summary>
/// Where an archive is kept. Objects have names with slashes; one is there whole or not at all, and what is there is
/// durable. A listing shows everything that was written before it began.
/// </summary>
internal interface IArchiveStore : IDisposable
{
    /// <summary>For messages; never with credentials.</summary>
    string Address { get; }

    /// <summary>Opens an object to be read; null if there is none.</summary>
    Task<Stream?> TryOpenAsync(string name, CancellationToken cancellationToken);

    /// <summary>Writes an object unless there is one of that name; returns whether it did.</summary>
    Task<bool> TryCreateAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>Writes an object, in place of one of that name.</summary>
    Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>Begins a large object that comes in pieces, and is there only when it is committed.</summary>
    Task<IArchiveUpload> BeginUploadAsync(string name, long sizeBytes, CancellationToken cancellationToken);

    /// <summary>All objects below a folder such as <c>files/</c>.</summary>
    IAsyncEnumerable<StoredObject> ListAsync(string folder, CancellationToken cancellationToken);

    /// <summary>Removes objects, as far as they are there. When it returns they are gone durably.</summary>
    Task DeleteAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken);

    /// <summary>Removes what uploads left behind that were begun before that moment and never committed.</summary>
    Task RemoveAbandonedUploadsAsync(DateTimeOffset before, CancellationToken cancellationToken);
}
