using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.State;

namespace KvCloud.Node.Replication.Restore;

/// <summary>
/// Creates a new group from the survivors of one that lost its quorum: see <see cref="LostQuorum"/>. In two steps, so
/// that a person reviews the plan in between. The directories of the survivors are only read.
/// </summary>
internal sealed class QuorumRecovery(IFileSystem files, RestoreStores stores)
{
    /// <param name="scratch">A temporary directory for copies: it is emptied first and removed afterwards.</param>
    /// <exception cref="RestoreRefusedException">No group can be recovered from these directories.</exception>
    public RecoveryPlan Plan(IReadOnlyList<string> paths, string scratch) => Look(paths, scratch, RecoveryPlan.Of);

    /// <exception cref="RestoreRefusedException">A directory changed since the plan; nothing was created.</exception>
    public RestoreResult Apply(RecoveryPlan plan, RestoreRequest request)
    {
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.Target));
        using var place = new RestoreTarget(files, target);
        if (plan.ClusterId == request.ClusterId)
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Request,
                $"the survivors belong to cluster '{plan.ClusterId}': give the recovered group another id");
        }

        return Look([.. plan.Survivors.Select(survivor => survivor.Path)], place.Replay, lost =>
        {
            if (RecoveryPlan.Of(lost).Checksum != plan.Checksum)
            {
                throw new RestoreRefusedException(
                    RestoreFlaw.Request,
                    "a directory has changed since the plan was made; nothing was recovered: make another plan");
            }

            RestoreResult result = Take(lost, request);
            new NewGroup(files, stores).Make(
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
                    files, stores, Path.GetFullPath(path), Path.Combine(scratch, $"{survivors.Count}")));
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
