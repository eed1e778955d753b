using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication;

/// <summary>
/// Once a second: raises the log's mark, makes the data store durable when enough has been applied or nothing is being
/// applied any more, and trims the log. It trims slots that every voter has durably in its data store and, beyond the
/// retention limit, also slots that other replicas may still need. It never trims what this replica would need after a
/// crash, or what follows a snapshot that is being served.
/// </summary>
internal sealed class LogTrimmer(
    IPaxosLog log,
    KvStoreExecutor executor,
    ConsensusDriver driver,
    Applier applier,
    SpaceWatch space,
    SnapshotServer? snapshots,
    DataRebuild? rebuild,
    IReplicaClock clock,
    ReplicationOptions options) : IWork
{
    private long _flushedBytes;
    private Slot _seenSlot = executor.AppliedSlot;
    private long _seenAtMs = clock.NowMs;

    public int MaxSleepMs => options.TrimIntervalMs;

    public bool IsDue(RunReason reason) => false;

    public bool TryBegin(RunReason reason) => reason == RunReason.TimedOut;

    public void Execute()
    {
        space.Look();
        log.Mark();
        try
        {
            TendStore();
        }
        catch (StoreCorruptException exception)
        {
            executor.Health.Report(StoreDamage.Of(exception));
        }

        // Data that are known to be damaged, also to every later start, are never again brought up to date by this log.
        Slot durable = rebuild is { IsDamageNoted: true } ? log.ChosenSlot : executor.DurableSlot;
        var trim = Slot.Min(driver.TrimSlot, durable);
        Slot kept = log.FirstSlotWithin(options.LogRetentionBytes);
        if (kept > trim.Next)
        {
            trim = Slot.Min(kept.Previous, Slot.Min(durable, log.ChosenSlot));
        }

        // Looked at only now: what became durable by the making of a snapshot is pinned before.
        trim = Slot.Min(trim, snapshots?.Pins.PinnedSlot ?? trim);
        trim = Slot.Min(trim, rebuild?.PinnedSlot ?? trim);
        if (trim >= log.FirstSlot)
        {
            log.TrimBelow(trim.Next);
        }
    }

    public FollowUp Complete() => default;

    public void Abandon()
    {
    }

    private void TendStore()
    {
        executor.CheckBackground();
        long appliedBytes = applier.AppliedBytes;
        if (appliedBytes - _flushedBytes >= options.FlushBytes || IsIdle())
        {
            executor.Flush();
            _flushedBytes = appliedBytes;
        }

        if (space.Level != SpaceLevel.Exhausted)
        {
            // A compaction needs room for what it writes before it frees anything.
            executor.Space.Look(appliedBytes);
        }
    }

    /// <summary>Something was applied that is not durable, and nothing has been since for a while.</summary>
    private bool IsIdle()
    {
        Slot applied = executor.AppliedSlot;
        if (applied != _seenSlot)
        {
            _seenSlot = applied;
            _seenAtMs = clock.NowMs;
        }

        return applied > executor.DurableSlot && clock.NowMs - _seenAtMs >= options.IdleFlushMs;
    }
}
