using KvCloud.Node.Files;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>
/// The received files of a snapshot, on disk. A file gets its name once it is complete, synced and verified, so that a
/// later attempt, even of another process, can keep it.
/// </summary>
internal sealed class IncomingFiles(IFileSystem files, SnapshotPaths paths) : IDisposable
{
    /// <summary>
    /// Received data is synced in pieces of this size, as with RocksDB's bytes_per_sync. Syncing a whole file at once
    /// would keep the disk busy for a third of a second, with every write of the log waiting behind it.
    /// </summary>
    private const int SyncEveryBytes = 1024 * 1024;

    private IFile? _part;
    private string _partPath = "";
    private long _unsyncedBytes;

    public bool IsAny => files.DirectoryExists(paths.Incoming);

    /// <summary>Prepares for the files of this manifest: removes those that it does not name.</summary>
    /// <returns>Files of the manifest that are there with the right size; their content is yet to be checked.</returns>
    public List<SnapshotFile> Begin(SnapshotManifest manifest)
    {
        // A complete snapshot that no start has installed is changed from here on.
        Revoke();
        files.CreateDirectories(paths.Incoming);
        var found = new List<SnapshotFile>();
        foreach (string path in files.ListFiles(paths.Incoming))
        {
            SnapshotFile? wanted = manifest.Files.FirstOrDefault(file => file.Name == Path.GetFileName(path));
            if (wanted is null || SizeOf(path) != wanted.SizeBytes)
            {
                files.Delete(path);
            }
            else
            {
                found.Add(wanted);
            }
        }

        return found;
    }

    /// <summary>Whether the file that is there has the right content; removes it if not.</summary>
    public bool Keep(SnapshotFile file)
    {
        string path = Path.Combine(paths.Incoming, file.Name);
        if (FileHash.Of(files, path) == file.Hash)
        {
            return true;
        }

        files.Delete(path);
        return false;
    }

    public void BeginFile(SnapshotFile file)
    {
        _part?.Dispose();
        _partPath = Path.Combine(paths.Incoming, file.Name + SnapshotPaths.Part);
        _part = files.Open(_partPath, FileMode.Create, FileAccess.ReadWrite);
        _unsyncedBytes = 0;
    }

    public void Write(long offset, ReadOnlySpan<byte> content)
    {
        _part!.Write(content, offset);
        _unsyncedBytes += content.Length;
        if (_unsyncedBytes >= SyncEveryBytes)
        {
            SyncPart();
        }
    }

    /// <summary>The file has all its bytes: syncs, verifies and names it. False if its hash is wrong.</summary>
    public bool TryEndFile(SnapshotFile file)
    {
        SyncPart();
        _part!.Dispose();
        _part = null;
        if (FileHash.Of(files, _partPath) != file.Hash)
        {
            files.Delete(_partPath);
            return false;
        }

        files.Move(_partPath, Path.Combine(paths.Incoming, file.Name), replaces: true);
        files.FlushDirectory(paths.Incoming);
        return true;
    }

    /// <summary>
    /// All files are complete: from here on the next start installs them.
    /// </summary>
    public void Release(ReadOnlySpan<byte> manifest)
    {
        files.FlushDirectory(paths.Incoming);
        files.ReplaceAtomically(paths.Install, manifest);
    }

    /// <summary>Closes the file that is being written, which stays incomplete.</summary>
    public void EndPart()
    {
        _part?.Dispose();
        _part = null;
    }

    /// <summary>Removes everything received.</summary>
    public void Remove()
    {
        EndPart();
        Revoke();
        files.DeleteDirectory(paths.Incoming);
    }

    public void Dispose() => EndPart();

    /// <summary>A failed sync is not retried: the exception ends the attempt, and the file is fetched again.</summary>
    private void SyncPart()
    {
        _part!.SyncData();
        _unsyncedBytes = 0;
    }

    private void Revoke()
    {
        if (files.FileExists(paths.Install))
        {
            files.Delete(paths.Install);
            files.FlushParent(paths.Install);
        }
    }

    private long SizeOf(string path)
    {
        using IFile file = files.Open(path, FileMode.Open, FileAccess.Read);
        return file.Length;
    }
}
