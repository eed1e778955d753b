using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.State;

namespace KvCloud.Node.Replication;

/// <summary>
/// Once a second: raises the log's mark, makes the data store durable when enough has been applied, and trims the log.
/// It trims only slots that every voter has durably in its data store and that this replica would not need after a
/// crash.
/// </summary>
internal sealed class LogTrimmer(
    IPaxosLog log,
    KvStoreExecutor executor,
    ConsensusDriver driver,
    Applier applier,
    SpaceWatch space,
    ReplicationOptions options) : IWork
{
    private long _flushedBytes;

    public int MaxSleepMs => options.TrimIntervalMs;

    public bool IsDue(RunReason reason) => false;

    public bool TryBegin(RunReason reason) => reason == RunReason.TimedOut;

    public void Execute()
    {
        space.Look();
        log.Mark();
        long appliedBytes = applier.AppliedBytes;
        if (appliedBytes - _flushedBytes >= options.FlushBytes)
        {
            executor.Flush();
            _flushedBytes = appliedBytes;
        }

        if (space.Level != SpaceLevel.Exhausted)
        {
            // A compaction needs room for what it writes before it frees anything.
            executor.Space.Look(appliedBytes);
        }

        var trim = Slot.Min(driver.TrimSlot, executor.DurableSlot);
        if (trim >= log.FirstSlot)
        {
            log.TrimBelow(trim.Next);
        }
    }

    public FollowUp Complete() => default;

    public void Abandon()
    {
    }
}
