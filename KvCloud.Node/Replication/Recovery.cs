using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.State;

namespace KvCloud.Node.Replication;

/// <summary>
/// Brings the data store up to what the log knows to be chosen. The data store has no write-ahead log: after a crash it
/// stands at its last flush, and later slots are applied again from the Paxos log, each exactly once.
/// </summary>
internal static class Recovery
{
    private const int ChunkBytes = 4 * 1024 * 1024;

    /// <summary>
    /// The data store may be ahead of a log on a slow disk, but only by about
    /// <see cref="ReplicationOptions.MaxUnwrittenSlots"/> plus what one step adds.
    /// </summary>
    private const long MaxAheadSlots = 8 * ReplicationOptions.MaxUnwrittenSlots;

    /// <summary>
    /// Applies the missing slots (their writes were answered, or left unknown, before the restart) and returns the
    /// state of the consensus core.
    /// </summary>
    /// <exception cref="LogCorruptException">The log lacks a slot that it must have.</exception>
    /// <param name="onReplayed">Called after each chunk with the applied slot and the last slot to apply.</param>
    public static RestoredState Restore(
        IPaxosLog log, KvStoreExecutor executor, Action<Slot, Slot>? onReplayed = null)
    {
        if (executor.AppliedSlot.Value - log.LastSlot.Value > MaxAheadSlots)
        {
            throw new LogCorruptException(
                $"the log ends at slot {log.LastSlot}, but the data store has up to {executor.AppliedSlot}: the log"
                + " is older than the data. Restore the log that belongs to the data, or leave this replica stopped");
        }

        Replay(log, executor, onReplayed);

        // No higher than the log knows, even if the data store is ahead (see RestoredState): the driver skips slots
        // that the store already has.
        var chosen = Slot.Max(log.ChosenSlot, log.FirstSlot.Previous);
        if (log.FirstSlot > executor.AppliedSlot.Next)
        {
            throw new LogCorruptException(
                $"the log begins at slot {log.FirstSlot}, but the data store has only up to {executor.AppliedSlot}");
        }

        IReadOnlyList<LogEntry> open = log.LastSlot > chosen ? log.Read(chosen.Next, log.LastSlot, int.MaxValue) : [];
        return new RestoredState(log.Promised, chosen, open, executor.Members);
    }

    /// <summary>
    /// The state of the core in a replica that waits for new data. That core is never stepped: the members, among
    /// others, are part of the lost data.
    /// </summary>
    public static RestoredState WithoutData(IPaxosLog log) =>
        new(log.Promised, Slot.Max(log.ChosenSlot, log.FirstSlot.Previous), [], null);

    private static void Replay(IPaxosLog log, KvStoreExecutor executor, Action<Slot, Slot>? onReplayed)
    {
        while (executor.AppliedSlot < log.ChosenSlot)
        {
            Slot expected = executor.AppliedSlot.Next;
            var chosen = new List<ChosenEntry>();
            foreach (LogEntry entry in log.Read(expected, log.ChosenSlot, ChunkBytes))
            {
                if (entry.Slot != expected)
                {
                    break;
                }

                chosen.Add(new ChosenEntry(entry.Slot, entry.Value));
                expected = expected.Next;
            }

            if (chosen.Count == 0)
            {
                throw new LogCorruptException(
                    $"slot {expected} is chosen but not in the log, and the data store has only up to "
                    + $"{executor.AppliedSlot}: put back the data store that belongs to the log, or leave this"
                    + " replica stopped");
            }

            executor.Apply(chosen, observer: null);
            onReplayed?.Invoke(executor.AppliedSlot, log.ChosenSlot);
        }
    }
}
