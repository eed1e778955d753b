using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication;

/// <summary>
/// Once a second: raises the log's mark, flushes the data store when enough has been applied or it has been idle for a
/// while, and trims the log. It trims slots that every member has durably in its data store and, beyond the retention
/// limit, also slots that other replicas may still need. It never trims what this replica would need after a crash, or
/// what is pinned.
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
    /// <summary>What a flush writes beside the data: files of the tables, the store's own log of them.</summary>
    private const long FlushOverheadBytes = 1024 * 1024;

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

        // Data whose damage is recorded durably are never opened again, so the log need not keep what they lack.
        Slot durable = rebuild is { IsDamageNoted: true } ? log.ChosenSlot : executor.DurableSlot;
        var trim = Slot.Min(driver.TrimSlot, durable);
        Slot kept = log.FirstSlotWithin(options.LogRetentionBytes);
        if (kept > trim.Next)
        {
            trim = Slot.Min(kept.Previous, Slot.Min(durable, log.ChosenSlot));
        }

        // Read last: creating a snapshot pins the log before it makes slots durable.
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
        bool isDue = appliedBytes - _flushedBytes >= options.FlushBytes || IsIdle();
        if (isDue && HasRoomFor(appliedBytes - _flushedBytes))
        {
            executor.Flush();
            _flushedBytes = appliedBytes;
        }

        if (space.Level != SpaceLevel.Exhausted)
        {
            // A compaction needs space for its output before it frees any.
            executor.Space.Look(appliedBytes);
        }
    }

    /// <summary>
    /// Whether a flush of so much fits on the disk. One that does not would fail, and end the replica; nothing is
    /// accepted while the disk is full, so that what is not flushed grows no further.
    /// </summary>
    private bool HasRoomFor(long appliedBytes) =>
        space.Level != SpaceLevel.Exhausted || space.FreeBytes > (2 * appliedBytes) + FlushOverheadBytes;

    /// <summary>Whether slots are applied but not durable, and nothing has been applied for a while.</summary>
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
