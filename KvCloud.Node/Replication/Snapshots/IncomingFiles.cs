using KvCloud.Node.Files;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>
/// What has come of a snapshot, on disk. A file gets its name when it is whole, verified and synced, so that another
/// attempt, also of a later process, may find it done.
/// </summary>
internal sealed class IncomingFiles(IFileSystem files, SnapshotPaths paths) : IDisposable
{
    /// <summary>
    /// The disk gets what was written in pieces of this size, as with RocksDB's bytes_per_sync. A whole file at once
    /// would keep the disk busy for a third of a second, and every write of the log behind it.
    /// </summary>
    private const int SyncEveryBytes = 1024 * 1024;

    private IFile? _part;
    private string _partPath = "";
    private long _unsyncedBytes;

    public bool IsAny => files.DirectoryExists(paths.Incoming);

    /// <summary>Makes ready for the files of this manifest.</summary>
    /// <returns>Those of which there is one with the same name and size; it may be another one all the same.</returns>
    public List<SnapshotFile> Begin(SnapshotManifest manifest)
    {
        // What was whole, and is not put in place, is changed from here on.
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

    /// <summary>Whether the file that is there is the one that is meant; else it is removed.</summary>
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

    /// <summary>The file has all its bytes. False if they are not those that are meant.</summary>
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
    /// All files are there: from here on the next start puts them in the data store's place.
    /// </summary>
    public void Release(ReadOnlySpan<byte> manifest)
    {
        files.FlushDirectory(paths.Incoming);
        files.ReplaceAtomically(paths.Install, manifest);
    }

    /// <summary>Gives up the file that was being written.</summary>
    public void EndPart()
    {
        _part?.Dispose();
        _part = null;
    }

    /// <summary>Removes all of it.</summary>
    public void Remove()
    {
        EndPart();
        Revoke();
        files.DeleteDirectory(paths.Incoming);
    }

    public void Dispose() => EndPart();

    /// <summary>After a sync that failed no later one makes it good: the exception gives up what was written.</summary>
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
