using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication.Restore;

/// <summary>
/// Restores a backup as a new group: copies its snapshot, applies the log up to the requested point, and creates the
/// <see cref="NewGroup"/>. The target appears atomically: see <see cref="RestoreTarget"/>.
/// </summary>
internal sealed class Restorer(IFileSystem files, RestoreStores stores, Action<RestoreProgress> report)
{
    /// <exception cref="RestoreRefusedException">The restore is impossible; the target was not created.</exception>
    public RestoreResult Run(RestoreRequest request)
    {
        if (request.SourceClusterId == request.ClusterId)
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Request,
                $"the backup belongs to cluster '{request.SourceClusterId}': give the restored group another id");
        }

        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.Target));
        using var place = new RestoreTarget(files, target);
        var log = StagedLog.Open(files, Path.Combine(request.Staging, "log"), request.SourceClusterId, report);
        CopyData(Path.Combine(request.Staging, "data"), place.Replay);
        RestoreResult result;
        using (IKvStore store = OpenData(place.Replay))
        using (var executor = new KvStoreExecutor(store, stores.Sessions))
        {
            result = Replay(request, log, store, executor);
            new NewGroup(files, stores).Make(
                place.Begin(), request.Nodes, request.ClusterId, executor,
                path => report(
                    new RestoreProgress("making", Path.GetFileName(path), result.Slot, result.FirstVersion)));
        }

        place.Complete();
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
        if (executor.Health.Damage is { } damage)
        {
            throw new RestoreRefusedException(RestoreFlaw.Backup, $"the snapshot of the backup is damaged: {damage}");
        }

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
                throw new StoreCorruptException("it has no record of an applied state");
            }

            return store;
        }
        catch (Exception exception) when (exception is StoreCorruptException or StoreFailedException)
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Backup, $"the snapshot of the backup cannot be opened: {exception.Message}", exception);
        }
    }

    private void CopyData(string from, string to)
    {
        if (!files.DirectoryExists(from) || files.ListFiles(from).Count == 0)
        {
            throw new RestoreRefusedException(RestoreFlaw.Backup, $"{from} is missing or empty: there is no snapshot");
        }

        files.CopyFiles(from, to, path => report(new RestoreProgress("copying", path)));
    }
}
