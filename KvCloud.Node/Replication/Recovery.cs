using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.State;

namespace KvCloud.Node.Replication;

/// <summary>
/// Brings the data store up to what the log knows to be chosen. The data store has no log of its own: after a crash it
/// stands at its last flush, and the slots since are applied again from the Paxos log, each once.
/// </summary>
internal static class Recovery
{
    private const int ChunkBytes = 4 * 1024 * 1024;

    /// <summary>
    /// The data store may be ahead of a log whose disk was slow, but not by so much: <see
    /// cref="ReplicationOptions.MaxUnwrittenSlots"/> bounds that, up to what one step adds.
    /// </summary>
    private const long MaxAheadSlots = 8 * ReplicationOptions.MaxUnwrittenSlots;

    /// <summary>
    /// Applies what is missing (its writes were answered, or left unknown, before the restart) and gives the
    /// consensus core its memory back.
    /// </summary>
    /// <exception cref="LogCorruptException">A slot that must be there is not.</exception>
    public static RestoredState Restore(IPaxosLog log, KvStoreExecutor executor)
    {
        if (executor.AppliedSlot.Value - log.LastSlot.Value > MaxAheadSlots)
        {
            throw new LogCorruptException(
                $"the log ends at slot {log.LastSlot}, but the data store has up to {executor.AppliedSlot}: the log"
                + " is an older one "
                + "than the data. Put back the log that belongs to the data, or leave this replica stopped");
        }

        Replay(log, executor);

        // Not more than the log knows, even where the data is ahead of it (see RestoredState): the driver skips what
        // the data has already.
        var chosen = Slot.Max(log.ChosenSlot, log.FirstSlot.Previous);
        if (log.FirstSlot > executor.AppliedSlot.Next)
        {
            throw new LogCorruptException(
                $"the log begins at slot {log.FirstSlot}, but the data store has only up to {executor.AppliedSlot}");
        }

        IReadOnlyList<LogEntry> open = log.LastSlot > chosen ? log.Read(chosen.Next, log.LastSlot, int.MaxValue) : [];
        return new RestoredState(log.Promised, chosen, open, executor.Members);
    }

    private static void Replay(IPaxosLog log, KvStoreExecutor executor)
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
        }
    }
}
