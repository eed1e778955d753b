using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Backup;
using KvCloud.Node.State;

namespace KvCloud.Node.Replication.Restore;

/// <summary>Applies the log of a backup to its snapshot, with the code of a replica, up to a point.</summary>
internal static class LogReplay
{
    /// <param name="snapshotUnixMs">The time at which the snapshot's last write was proposed.</param>
    /// <exception cref="RestoreRefusedException">The backup does not contain the point.</exception>
    public static void Run(
        KvStoreExecutor executor,
        StagedLog log,
        long snapshotUnixMs,
        RestorePoint until,
        Action<RestoreProgress> report)
    {
        CheckBegin(executor.Applied, snapshotUnixMs, until);
        foreach ((string path, LogBlock block) in log.Above(executor.AppliedSlot))
        {
            bool isThrough = Apply(executor, block, until);
            report(new RestoreProgress("applying", path, executor.AppliedSlot, executor.Applied.Version));
            if (isThrough)
            {
                break;
            }
        }

        CheckEnd(executor.Applied, until);
    }

    /// <returns>Whether the point is reached.</returns>
    private static bool Apply(KvStoreExecutor executor, LogBlock block, RestorePoint until)
    {
        var entries = new List<ChosenEntry>();
        bool isThrough = false;
        foreach (LogEntry entry in block.Entries.Where(entry => entry.Slot > executor.AppliedSlot))
        {
            isThrough = entry.Slot > until.Slot || LogBlock.UnixMsOf(entry) > until.UnixMs;
            if (isThrough)
            {
                break;
            }

            entries.Add(new ChosenEntry(entry.Slot, entry.Value));
        }

        return executor.ApplyUpTo(entries, until.Version) || isThrough;
    }

    private static void CheckBegin(AppliedState snapshot, long unixMs, RestorePoint until)
    {
        string? flaw =
            until.Version < snapshot.Version ? $"version {until.Version} is before version {snapshot.Version}"
            : until.Slot < snapshot.Slot ? $"slot {until.Slot} is before slot {snapshot.Slot}"
            : until.UnixMs < unixMs ? $"time {until.UnixMs} (Unix ms) is before {unixMs}"
            : null;
        if (flaw is not null)
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Request, $"{flaw}, that of the snapshot: stage an older snapshot");
        }
    }

    private static void CheckEnd(AppliedState applied, RestorePoint until)
    {
        if (applied.Version < until.Version || applied.Slot < until.Slot)
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Request,
                $"the backup ends at slot {applied.Slot} and version {applied.Version}, before the point to restore");
        }
    }
}
