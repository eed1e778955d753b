using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.State;

namespace KvCloud.Node.Replication;

/// <summary>
/// Once a second: has the log marked how far it has got, makes the data store durable when enough was applied, and
/// drops the log that no replica needs any more: only what every voter has in its data store durably, and never what
/// this one would need after a crash.
/// </summary>
internal sealed class LogTrimmer(
    IPaxosLog log, KvStoreExecutor executor, ConsensusDriver driver, Applier applier, ReplicationOptions options)
        : IWork
{
    private long _flushedBytes;

    public int MaxSleepMs => options.TrimIntervalMs;

    public bool IsDue(RunReason reason) => false;

    public bool TryBegin(RunReason reason) => reason == RunReason.TimedOut;

    public void Execute()
    {
        log.Mark();
        long appliedBytes = applier.AppliedBytes;
        if (appliedBytes - _flushedBytes >= options.FlushBytes)
        {
            executor.Flush();
            _flushedBytes = appliedBytes;
        }

        executor.Space.Look(appliedBytes);
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
