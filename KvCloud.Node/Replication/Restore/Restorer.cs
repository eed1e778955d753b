using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication.Restore;

/// <summary>
/// Makes a new group out of a backup: its snapshot, the log that follows it up to the wanted point, and then
/// <see cref="NewGroup"/>. The target appears whole or not at all.
/// </summary>
/// <remarks>
/// Beside the target, and gone in the end: <c>TARGET.replay</c>, where the log is applied, and <c>TARGET.restoring</c>,
/// what becomes the target by being renamed. What an earlier attempt left of them is removed.
/// </remarks>
internal sealed class Restorer(IFileSystem files, RestoreStores stores, Action<RestoreProgress> report)
{
    private const int CopyBytes = 1024 * 1024;

    /// <exception cref="RestoreRefusedException">It cannot be done; nothing has become the target.</exception>
    public RestoreResult Run(RestoreRequest request)
    {
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.Target));
        CheckTarget(target);
        var log = StagedLog.Open(files, Path.Combine(request.Staging, "log"), report);
        if (log.ClusterId == request.ClusterId)
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Request,
                $"the backup is of cluster '{log.ClusterId}': a restored group needs an id of its own");
        }

        files.CreateDirectories(Path.GetDirectoryName(target)!);
        using var mine = new RestoreLock(files, target);
        string replay = target + ".replay";
        string restoring = target + ".restoring";
        Remove(replay);
        Remove(restoring);
        CopyData(Path.Combine(request.Staging, "data"), replay);
        RestoreResult result;
        using (IKvStore store = OpenData(replay))
        using (var executor = new KvStoreExecutor(store))
        {
            result = Replay(request, log, store, executor);
            files.CreateDirectory(restoring);
            new NewGroup(files, stores.OpenCopy).Make(
                restoring, request.Nodes, request.ClusterId, executor,
                path => report(
                    new RestoreProgress("making", Path.GetFileName(path), result.Slot, result.FirstVersion)));
        }

        Remove(replay);
        CheckTarget(target);
        Remove(target);
        files.MoveDirectory(restoring, target);
        files.FlushParent(target);
        return result;
    }

    private RestoreResult Replay(RestoreRequest request, StagedLog log, IKvStore store, KvStoreExecutor executor)
    {
        CommitVersion known = executor.Applied.Version > log.AppliedVersion
            ? executor.Applied.Version
            : log.AppliedVersion;
        CommitVersion first = request.FirstVersion is { } wanted
            ? FirstVersions.Check(wanted, known)
            : FirstVersions.After(known);
        LogReplay.Run(
            executor, log, KvStoreExecutor.ReadRecord(store)?.LoggedUnixMs ?? 0, request.Until, report);
        AppliedState reached = executor.Applied;
        long unixMs = KvStoreExecutor.ReadRecord(store)?.LoggedUnixMs ?? 0;
        AppliedState begun = NewGroup.Begin(executor, request.ClusterId, first);
        return new RestoreResult(
            reached.Slot, reached.Version, unixMs, first, begun.StateHash, executor.Reader.GetStatistics().TotalKeys);
    }

    private IKvStore OpenData(string path)
    {
        try
        {
            IKvStore store = stores.Open(path);
            if (KvStoreExecutor.ReadRecord(store) is null)
            {
                store.Dispose();
                throw new StoreCorruptException("it holds nothing");
            }

            return store;
        }
        catch (Exception exception) when (exception is StoreCorruptException or StoreFailedException)
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Backup, $"the snapshot of the backup cannot be opened: {exception.Message}", exception);
        }
    }

    private void CheckTarget(string target)
    {
        if (files.FileExists(target)
            || (files.DirectoryExists(target)
                && (files.ListFiles(target).Count > 0 || files.ListDirectories(target).Count > 0)))
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Target, $"{target} is there and not empty: a restore never writes over anything");
        }
    }

    private void CopyData(string from, string to)
    {
        if (!files.DirectoryExists(from) || files.ListFiles(from).Count == 0)
        {
            throw new RestoreRefusedException(RestoreFlaw.Backup, $"{from} holds no snapshot");
        }

        files.CreateDirectory(to);
        byte[] buffer = new byte[CopyBytes];
        foreach (string path in files.ListFiles(from).Order(StringComparer.Ordinal))
        {
            using IFile source = files.Open(path, FileMode.Open, FileAccess.Read);
            using IFile copy = files.Open(
                Path.Combine(to, Path.GetFileName(path)), FileMode.Create, FileAccess.Write);
            int read;
            for (long offset = 0; (read = source.ReadFully(buffer, offset)) > 0; offset += read)
            {
                copy.Write(buffer.AsSpan(0, read), offset);
            }

            report(new RestoreProgress("copying", path));
        }
    }

    private void Remove(string path)
    {
        if (files.DirectoryExists(path))
        {
            files.DeleteDirectory(path);
            files.FlushParent(path);
        }
    }
}
