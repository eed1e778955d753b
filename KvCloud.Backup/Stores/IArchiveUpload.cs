namespace KvCloud.Backup.Stores;

/// <summary>An object that is being written to an archive. Disposing it before the commit discards it.</summary>
internal interface IArchiveUpload : IAsyncDisposable
{
    Task AppendAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>Makes the object durable and visible under its name.</summary>
    Task CommitAsync(CancellationToken cancellationToken);
}
