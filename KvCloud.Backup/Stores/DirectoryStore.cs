using System.Runtime.CompilerServices;

namespace KvCloud.Backup.Stores;

/// <summary>
/// An archive in a directory. An object is written under a temporary name, synced and renamed; then the directory is
/// synced, so that a committed object survives a power cut.
/// </summary>
internal sealed class DirectoryStore(string root) : IArchiveStore
{
    /// <summary>Objects that are being written.</summary>
    private const string TemporaryFolder = "tmp";

    private readonly string _root = Path.GetFullPath(root);

    public string Address => _root;

    public Task<Stream?> TryOpenAsync(string name, CancellationToken cancellationToken)
    {
        string path = PathOf(name);
        return DirectoryFailure.RunAsync(path, () =>
        {
            try
            {
                return Task.FromResult<Stream?>(new FileStream(
                    path,
                    FileMode.Open,
                    FileAccess.Read,
                    FileShare.ReadWrite | FileShare.Delete,
                    bufferSize: 1,
                    useAsync: true));
            }
            catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
            {
                return Task.FromResult<Stream?>(null);
            }
        });
    }

    public async Task<bool> TryCreateAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        if (File.Exists(PathOf(name)))
        {
            return false;
        }

        try
        {
            await PutAsync(name, content, replaces: false, cancellationToken);
            return true;
        }
        catch (ArchiveUnavailableException) when (File.Exists(PathOf(name)))
        {
            return false;
        }
    }

    public Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        PutAsync(name, content, replaces: true, cancellationToken);

    public Task<IArchiveUpload> BeginUploadAsync(string name, long sizeBytes, CancellationToken cancellationToken) =>
        DirectoryFailure.RunAsync(PathOf(name), () => Task.FromResult<IArchiveUpload>(
            new DirectoryUpload(NewTemporaryPath(), PathOf(name), replaces: true)));

    public async IAsyncEnumerable<StoredObject> ListAsync(
        string folder, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string path = PathOf(folder.TrimEnd('/'));
        FileInfo[] files = await DirectoryFailure.RunAsync(path, () => Task.FromResult(
            Directory.Exists(path) ? new DirectoryInfo(path).GetFiles() : []));
        foreach (FileInfo file in files)
        {
            cancellationToken.ThrowIfCancellationRequested();

            // It may have been removed after the listing.
            file.Refresh();
            if (file.Exists)
            {
                yield return new StoredObject($"{folder}{file.Name}", file.Length, file.LastWriteTimeUtc);
            }
        }
    }

    public Task DeleteAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken) =>
        DirectoryFailure.RunAsync(_root, () =>
        {
            string[] there = [.. names.Select(PathOf).Where(File.Exists)];
            foreach (string path in there)
            {
                cancellationToken.ThrowIfCancellationRequested();
                File.Delete(path);
            }

            foreach (string? folder in there.Select(Path.GetDirectoryName).Distinct())
            {
                DurableFiles.FlushDirectory(folder!);
            }

            return Task.CompletedTask;
        });

    public Task RemoveAbandonedUploadsAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        string path = Path.Combine(_root, TemporaryFolder);
        return DirectoryFailure.RunAsync(path, () =>
        {
            foreach (FileInfo file in Directory.Exists(path) ? new DirectoryInfo(path).GetFiles() : [])
            {
                if (file.LastWriteTimeUtc < before)
                {
                    file.Delete();
                }
            }

            return Task.CompletedTask;
        });
    }

    public void Dispose()
    {
        // No file stays open between calls.
    }

    private async Task PutAsync(
        string name, ReadOnlyMemory<byte> content, bool replaces, CancellationToken cancellationToken)
    {
        await using IArchiveUpload upload = await DirectoryFailure.RunAsync(PathOf(name), () =>
            Task.FromResult<IArchiveUpload>(new DirectoryUpload(NewTemporaryPath(), PathOf(name), replaces)));
        await upload.AppendAsync(content, cancellationToken);
        await upload.CommitAsync(cancellationToken);
    }

    private string NewTemporaryPath()
    {
        string folder = Path.Combine(_root, TemporaryFolder);
        DurableFiles.CreateDirectory(folder);
        return Path.Combine(folder, Guid.NewGuid().ToString("n"));
    }

    private string PathOf(string name) => Path.Combine(_root, name.Replace('/', Path.DirectorySeparatorChar));
}
