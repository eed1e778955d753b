namespace KvCloud.Backup.Stores;

/// <summary>One object on its way into an archive. Disposed before it is committed, it leaves nothing.</summary>
internal interface IArchiveUpload : IAsyncDisposable
{
    Task AppendAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>Makes the object visible under its name, durably.</summary>
    Task CommitAsync(CancellationToken cancellationToken);
}
