using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.State;

namespace KvCloud.Node.Replication.Restore;

/// <summary>
/// Makes a new group out of what is left of one that lost its quorum: see <see cref="LostQuorum"/>. In two steps, so
/// that a person reads in between what would be taken. The directories of the survivors are only read.
/// </summary>
internal sealed class QuorumRecovery(IFileSystem files, RestoreStores stores)
{
    /// <param name="scratch">A directory that is not there; it is gone afterwards.</param>
    /// <exception cref="RestoreRefusedException">Nothing can be recovered from these.</exception>
    public RecoveryPlan Plan(IReadOnlyList<string> paths, string scratch) => Look(paths, scratch, RecoveryPlan.Of);

    /// <exception cref="RestoreRefusedException">Something is not as it was planned; nothing was made.</exception>
    public RestoreResult Apply(RecoveryPlan plan, RestoreRequest request)
    {
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.Target));
        using var place = new RestoreTarget(files, target);
        if (plan.ClusterId == request.ClusterId)
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Request,
                $"the survivors are of cluster '{plan.ClusterId}': a recovered group needs an id of its own");
        }

        return Look([.. plan.Survivors.Select(survivor => survivor.Path)], place.Replay, lost =>
        {
            if (RecoveryPlan.Of(lost).Checksum != plan.Checksum)
            {
                throw new RestoreRefusedException(
                    RestoreFlaw.Request, "a directory is not as it was planned: make another plan");
            }

            RestoreResult result = Take(lost, request);
            new NewGroup(files, stores.OpenCopy).Make(
                place.Begin(), request.Nodes, request.ClusterId, lost.Base.Executor, _ => { });
            place.Complete();
            return result;
        });
    }

    private static RestoreResult Take(LostQuorum lost, RestoreRequest request)
    {
        KvStoreExecutor executor = lost.Base.Executor;
        executor.ApplyUpTo([.. lost.Decided.Select(entry => new ChosenEntry(entry.Slot, entry.Value))], last: null);
        AppliedState reached = executor.Applied;
        CommitVersion first = request.FirstVersion is { } wanted
            ? FirstVersions.Check(wanted, reached.Version)
            : FirstVersions.After(reached.Version);
        AppliedState begun = NewGroup.Begin(executor, request.ClusterId, first);
        return new RestoreResult(
            reached.Slot, reached.Version, 0, first, begun.StateHash, executor.Reader.GetStatistics().TotalKeys);
    }

    private T Look<T>(IReadOnlyList<string> paths, string scratch, Func<LostQuorum, T> use)
    {
        var survivors = new List<Survivor>();
        files.DeleteDirectory(scratch);
        files.CreateDirectories(scratch);
        try
        {
            foreach (string path in paths)
            {
                survivors.Add(Survivor.Read(
                    files, stores.Open, Path.GetFullPath(path), Path.Combine(scratch, $"{survivors.Count}")));
            }

            return use(new LostQuorum(survivors));
        }
        finally
        {
            survivors.ForEach(survivor => survivor.Dispose());
            files.DeleteDirectory(scratch);
        }
    }
}
