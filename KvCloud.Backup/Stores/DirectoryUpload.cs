namespace KvCloud.Backup.Stores;

/// <summary>A file that gets its name once its content is durable.</summary>
internal sealed class DirectoryUpload : IArchiveUpload
{
    private readonly string _temporaryPath;
    private readonly string _path;
    private readonly bool _replaces;
    private readonly FileStream _file;

    public DirectoryUpload(string temporaryPath, string path, bool replaces)
    {
        _temporaryPath = temporaryPath;
        _path = path;
        _replaces = replaces;
        _file = new FileStream(temporaryPath, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, useAsync: true);
    }

    public Task AppendAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        DirectoryFailure.RunAsync(_path, () => _file.WriteAsync(content, cancellationToken).AsTask());

    public Task CommitAsync(CancellationToken cancellationToken) => DirectoryFailure.RunAsync(_path, async () =>
    {
        await _file.FlushAsync(cancellationToken);
        DurableFiles.FlushFile(_file.SafeFileHandle, _temporaryPath);
        await _file.DisposeAsync();
        string folder = Path.GetDirectoryName(_path)!;
        DurableFiles.CreateDirectory(folder);
        File.Move(_temporaryPath, _path, _replaces);
        DurableFiles.FlushDirectory(folder);
    });

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _file.DisposeAsync();
            File.Delete(_temporaryPath);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The directory cannot be reached; a later prune removes the temporary file.
        }
    }
}
