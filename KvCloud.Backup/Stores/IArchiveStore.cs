namespace KvCloud.Backup.Stores;

/// <summary>
/// The storage of an archive. Object names contain slashes. An object appears atomically and durably, and a listing
/// shows every object that was written before it began.
/// </summary>
internal interface IArchiveStore : IDisposable
{
    /// <summary>The address for messages; it never contains credentials.</summary>
    string Address { get; }

    /// <summary>Opens an object for reading; null if there is none.</summary>
    Task<Stream?> TryOpenAsync(string name, CancellationToken cancellationToken);

    /// <summary>Creates an object; false if there is one of that name.</summary>
    Task<bool> TryCreateAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>Creates or replaces an object.</summary>
    Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>Begins to write an object piece by piece. It appears when the upload is committed.</summary>
    Task<IArchiveUpload> BeginUploadAsync(string name, long sizeBytes, CancellationToken cancellationToken);

    /// <summary>Lists the objects in a folder such as <c>files/</c>.</summary>
    IAsyncEnumerable<StoredObject> ListAsync(string folder, CancellationToken cancellationToken);

    /// <summary>Removes objects durably; names without an object are ignored.</summary>
    Task DeleteAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken);

    /// <summary>Removes uploads that were begun before the given time and never committed.</summary>
    Task RemoveAbandonedUploadsAsync(DateTimeOffset before, CancellationToken cancellationToken);
}
